"""The safety classification term on its own."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import torch as th
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv

from sb3_presa.algorithms.aligned import AlignedBaseline, UtilityObjective
from sb3_presa.errors import ConfigError
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning import losses
from sb3_presa.learning.alignment import PairBatch
from sb3_presa.learning.segment_buffer import SegmentLabels


class SafetyOnlyObjective(UtilityObjective):
    """
    Maximises the mean probability that the policy classifies segments as they are labelled.

    :param beta: inverse temperature per unit of log-ratio
    :param unsafe_weight: share of the mean that the unsafe segments have, ``None`` for a plain mean
    :param kwargs: as for :class:`~sb3_presa.algorithms.aligned.UtilityObjective`
    """

    def __init__(self, beta: float, unsafe_weight: float | None, **kwargs: Any) -> None:
        super().__init__(beta, **kwargs)
        if not beta > 0.0:
            raise ConfigError(f"beta is {beta}; it must be above 0")
        if unsafe_weight is not None and not 0.0 < unsafe_weight < 1.0:
            raise ConfigError(f"unsafe_weight is {unsafe_weight}; allowed is (0, 1) or None")
        self.unsafe_weight = unsafe_weight

    def attach(self, labels: SegmentLabels) -> None:
        for only, missing in (("safe", labels.p_safe < 0.5), ("unsafe", labels.p_safe > 0.5)):
            if not bool(missing.any()):
                warnings.warn(
                    f"no safety label says other than {only}: there is one class only", stacklevel=2
                )

    def forward(self, batch: PairBatch, step: int) -> tuple[th.Tensor, dict[str, th.Tensor]]:
        probability = losses.label_probability(self.utility(batch), batch.p_safe)
        p_right = losses.expected_label_probability(
            probability, batch.p_safe, th.ones_like(batch.p_safe), self.unsafe_weight
        )
        return -p_right, {
            "p_right": p_right,
            "p_right_safe": losses.mean_if_any(probability.detach(), batch.p_safe),
            "p_right_unsafe": losses.mean_if_any(probability.detach(), 1.0 - batch.p_safe),
        }


class SafetyOnly(AlignedBaseline):
    r"""
    PRESA's safety term without its preferences: clone, then maximise the mean probability
    :math:`p(Y = y) = \sigma(y \beta r)` that the policy classifies segments as they are labelled,
    where r is the log-ratio of the segment.

    It reads safety labels only.

    :param policy: ``"MlpPolicy"``, ``"CnnPolicy"``, ``"MultiInputPolicy"`` or a class
    :param env: environment to take the spaces from, or ``None`` to take the dataset's
    :param beta: inverse temperature of the safety classification, per unit of r
    :param unsafe_weight: share in (0, 1) of the mean that falls to the unsafe segments, however
        many there are; ``None`` is the paper's plain mean over all labelled segments
    :param kwargs: as for :class:`~sb3_presa.algorithms.aligned.AlignedBaseline`
    :raises ConfigError: for an argument out of its range or spaces that are not supported
    """

    def __init__(
        self,
        policy: str | type[BasePolicy] = "MlpPolicy",
        env: GymEnv | str | None = None,
        beta: float = 0.2,
        unsafe_weight: float | None = 2.0 / 3.0,
        **kwargs: Any,
    ) -> None:
        self.beta = beta
        self.unsafe_weight = unsafe_weight
        super().__init__(policy, env, **kwargs)

    def _make_objective(self) -> SafetyOnlyObjective:
        return SafetyOnlyObjective(
            self.beta,
            self.unsafe_weight,
            gamma=self.gamma,
            normalize_length=self.normalize_length,
            n_pairs=self.n_pairs,
            n_segment_steps=self.n_segment_steps,
        )

    def _readable(self, feedback: Feedback) -> Feedback:
        nothing = np.zeros(0, dtype=np.float32)
        return replace(feedback, comparisons=np.zeros((0, 2), dtype=np.int64), preferences=nothing)
