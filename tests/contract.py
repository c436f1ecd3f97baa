"""The algorithm classes that the contract tests run over. A new algorithm is one more line here."""

import os
from dataclasses import dataclass, field
from typing import Any

import pytest
from algorithm_data import TINY_PRESA, TINY_STEPS, in_objective, learn_quietly, tiny_feedback
from minari import MinariDataset

from sb3_presa import BC, CPL, PRESA, BCQLag, SafeFirst, SafeRLHF, SafetyOnly, TraC
from sb3_presa.feedback.table import Feedback

#: where the suite trains; ``benchmarks/gpu.py`` runs it on a GPU
DEVICE = os.environ.get("SB3_PRESA_TEST_DEVICE", "cpu")


@dataclass(frozen=True)
class Case:
    """An algorithm with settings that make it fast.

    :param name: name of the case in the tests' ids
    :param algorithm: the class
    :param settings: its arguments
    :param stops: steps of a run of ``TINY_STEPS`` at which to interrupt it: within every phase
        and where one ends
    :param continuous_only: it refuses other actions than ``Box``
    """

    name: str
    algorithm: Any
    settings: dict[str, Any] = field(default_factory=dict)
    stops: tuple[int, ...] = (1, 7)
    continuous_only: bool = False

    def limited(self, cost_limit: float) -> dict[str, float]:
        """The argument by which an algorithm that reads costs is told of their limit."""
        return {"cost_limit": cost_limit} if "outcomes" in self.algorithm.needs else {}

    def make(self, dataset: MinariDataset, feedback: Feedback | None = None, **kwargs: Any) -> Any:
        """A new model on a dataset; labels of its own if none are given."""
        arguments = {"device": DEVICE, "seed": 0, "policy_kwargs": {"net_arch": [8]}}
        labels = tiny_feedback(dataset) if feedback is None else feedback
        settings = arguments | self.settings | kwargs
        if self.algorithm is PRESA:
            settings = in_objective(settings)
        return self.algorithm.load_offline(dataset, labels, **settings)

    def trained(
        self, dataset: MinariDataset, feedback: Feedback | None = None, **kwargs: Any
    ) -> Any:
        """A model after ``TINY_STEPS``."""
        return learn_quietly(self.make(dataset, feedback, **kwargs), TINY_STEPS)


#: 6 steps of cloning, 9 of alignment
TINY_ALIGNED: dict[str, Any] = {
    "n_cloning_steps": 6,
    "cloning_batch_size": 16,
    "n_pairs": 4,
    "n_segment_steps": 5,
    "average_decay": 0.5,
}
ALIGNED_STOPS = (3, 6, 7, 12)
#: Q-learning in 15 steps
TINY_Q: dict[str, Any] = {"batch_size": 8, "n_target_actions": 2}
#: 6 steps of reward and cost models, 9 of Q-learning
TINY_MODELS: dict[str, Any] = {
    "n_model_steps": 6,
    "n_models": 2,
    "model_net_arch": [8],
    "n_pairs": 4,
    "n_segment_steps": 5,
}

#: the case for what no algorithm can do differently
PRESA_CASE = Case("presa", PRESA, TINY_PRESA, stops=(3, 6, 8, 10, 12))
CASES = [
    PRESA_CASE,
    Case("presa-completion", PRESA, {**TINY_PRESA, "completion": True}, stops=(3, 8)),
    Case(
        "presa-adjustable",
        PRESA,
        {**TINY_PRESA, "completion": True, "adjustable": True},
        stops=(3, 8),
    ),
    Case("bc-all", BC, {"batch_size": 16, "average_decay": 0.5}),
    Case("bc-safe", BC, {"data": "safe", "batch_size": 16}),
    Case("bc-preferred-and-safe", BC, {"data": "preferred-and-safe", "batch_size": 16}),
    Case("bc-best", BC, {"data": "best", "batch_size": 16}),
    Case("cpl", CPL, TINY_ALIGNED, ALIGNED_STOPS),
    Case("safe-first", SafeFirst, TINY_ALIGNED, ALIGNED_STOPS),
    Case("safety-only", SafetyOnly, TINY_ALIGNED, ALIGNED_STOPS),
    Case("trac", TraC, {**TINY_ALIGNED, "cost_limit": 4.0}, ALIGNED_STOPS),
    Case("bcq-lag", BCQLag, {**TINY_Q, "cost_limit": 4.0}, continuous_only=True),
    Case("safe-rlhf", SafeRLHF, {**TINY_Q, **TINY_MODELS}, ALIGNED_STOPS, continuous_only=True),
]

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
