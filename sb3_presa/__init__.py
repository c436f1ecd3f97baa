"""Offline safe reinforcement learning from human feedback, as a Stable-Baselines3 plugin."""

import importlib
from typing import TYPE_CHECKING, Any

from sb3_presa._version import __version__
from sb3_presa.envs import register_envs

if TYPE_CHECKING:
    from sb3_presa.baselines.bc import BC
    from sb3_presa.baselines.bcq_lag import BCQLag
    from sb3_presa.baselines.cpl import CPL
    from sb3_presa.baselines.safe_first import SafeFirst
    from sb3_presa.baselines.safe_rlhf import SafeRLHF
    from sb3_presa.baselines.safety_only import SafetyOnly
    from sb3_presa.baselines.trac import TraC
    from sb3_presa.common.callbacks import SafetyEvalCallback
    from sb3_presa.common.evaluation import SafetyEvaluation, evaluate_safety
    from sb3_presa.common.learn_many import learn_many
    from sb3_presa.data.example import example_dataset
    from sb3_presa.data.feedback import Feedback
    from sb3_presa.presa.presa import PRESA


#: Where each public name lives. They are imported when first used, so that
#: ``import sb3_presa`` only registers the environments and costs next to nothing.
_EXPORTS = {
    "BC": "sb3_presa.baselines.bc",
    "BCQLag": "sb3_presa.baselines.bcq_lag",
    "CPL": "sb3_presa.baselines.cpl",
    "PRESA": "sb3_presa.presa.presa",
    "SafeFirst": "sb3_presa.baselines.safe_first",
    "SafeRLHF": "sb3_presa.baselines.safe_rlhf",
    "SafetyOnly": "sb3_presa.baselines.safety_only",
    "TraC": "sb3_presa.baselines.trac",
    "Feedback": "sb3_presa.data.feedback",
    "SafetyEvalCallback": "sb3_presa.common.callbacks",
    "SafetyEvaluation": "sb3_presa.common.evaluation",
    "evaluate_safety": "sb3_presa.common.evaluation",
    "example_dataset": "sb3_presa.data.example",
    "learn_many": "sb3_presa.common.learn_many",
}

#: Algorithm classes by the name that a saved model records.
ALGORITHMS = ("BC", "BCQLag", "CPL", "PRESA", "SafeFirst", "SafeRLHF", "SafetyOnly", "TraC")

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
