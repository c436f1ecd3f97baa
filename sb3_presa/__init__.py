"""Offline safe reinforcement learning from human feedback, as a Stable-Baselines3 plugin."""

import importlib
from typing import TYPE_CHECKING, Any

from sb3_presa._version import __version__
from sb3_presa.envs import register_envs
from sb3_presa.registry import ALGORITHMS, HOMES

if TYPE_CHECKING:
    from sb3_presa.algorithms.bc import BC
    from sb3_presa.algorithms.cpl import CPL
    from sb3_presa.algorithms.presa import PRESA
    from sb3_presa.algorithms.q_learning.bcq_lag import BCQLag
    from sb3_presa.algorithms.q_learning.safe_rlhf import SafeRLHF
    from sb3_presa.algorithms.safe_first import SafeFirst
    from sb3_presa.algorithms.safety_only import SafetyOnly
    from sb3_presa.algorithms.trac import TraC
    from sb3_presa.data.example import example_dataset
    from sb3_presa.evaluation.callbacks import SafetyEvalCallback
    from sb3_presa.evaluation.safety import SafetyEvaluation, evaluate_safety
    from sb3_presa.feedback.table import Feedback
    from sb3_presa.learning.many.learn_many import learn_many


#: Where each public name lives. They are imported when first used, so that
#: ``import sb3_presa`` only registers the environments and costs next to nothing.
_EXPORTS = {
    **HOMES,
    "Feedback": "sb3_presa.feedback.table",
    "SafetyEvalCallback": "sb3_presa.evaluation.callbacks",
    "SafetyEvaluation": "sb3_presa.evaluation.safety",
    "evaluate_safety": "sb3_presa.evaluation.safety",
    "example_dataset": "sb3_presa.data.example",
    "learn_many": "sb3_presa.learning.many.learn_many",
}

__all__ = [
    "ALGORITHMS",
    "BC",
    "CPL",
    "PRESA",
    "BCQLag",
    "Feedback",
    "SafeFirst",
    "SafeRLHF",
    "SafetyEvalCallback",
    "SafetyEvaluation",
    "SafetyOnly",
    "TraC",
    "__version__",
    "evaluate_safety",
    "example_dataset",
    "learn_many",
    "register_envs",
]

register_envs()


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
