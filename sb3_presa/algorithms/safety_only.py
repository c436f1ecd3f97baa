"""The safety classification term on its own."""

import warnings
from typing import Any

import torch as th
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv

from sb3_presa.algorithms.aligned import AlignedBaseline, UtilityObjective
from sb3_presa.arguments import Positive, ShareWithin
from sb3_presa.learning import losses
from sb3_presa.learning.alignment import PairSampler
from sb3_presa.learning.losses import PairBatch
from sb3_presa.learning.offline_data import Needs
from sb3_presa.learning.source import SegmentLabels


class SafetyOnlyObjective(UtilityObjective):
    """
    Maximises the mean probability that the policy classifies segments as they are labelled.

    :param beta: inverse temperature per unit of log-ratio
    :param unsafe_weight: share of the mean that the unsafe segments have, ``None`` for a plain mean
    :param kwargs: as for :class:`~sb3_presa.algorithms.aligned.UtilityObjective`
    """

    metrics = ("p_right", "p_right_safe", "p_right_unsafe")

    def __init__(self, beta: float, unsafe_weight: float | None, **kwargs: Any) -> None:
        super().__init__(beta, **kwargs)
        self.unsafe_weight = unsafe_weight

    def attach(self, labels: SegmentLabels) -> tuple[SegmentLabels, PairSampler]:
        for only, missing in (("safe", labels.p_safe < 0.5), ("unsafe", labels.p_safe > 0.5)):
            if not bool(missing.any()):
                warnings.warn(
                    f"every safety label says {only}: the labels hold one class only", stacklevel=2
                )
        return super().attach(labels)

    def loss(self, batch: PairBatch, state: losses.State) -> losses.LossAndState:
        probability = losses.label_probability(self.utility(batch), batch.p_safe)
        p_right = losses.expected_label_probability(
            probability, batch.p_safe, th.ones_like(batch.p_safe), self.unsafe_weight
        )
        metrics = {
            "p_right": p_right,
            "p_right_safe": losses.mean_if_any(probability.detach(), batch.p_safe),
            "p_right_unsafe": losses.mean_if_any(probability.detach(), 1.0 - batch.p_safe),
        }
        return -p_right, metrics, state


class SafetyOnly(AlignedBaseline):
    r"""
    PRESA's safety term without its preferences: clone, then maximise the mean probability
    :math:`p(Y = y) = \sigma(y \beta r)` that the policy classifies segments as they are labelled,
    where r is the log-ratio of the segment.

    It reads safety labels only.

    :param policy: ``"MlpPolicy"``, ``"CnnPolicy"``, ``"MultiInputPolicy"`` or a class; ``"auto"``
        chooses by the observation space
    :param env: environment to take the spaces from, or ``None`` to take the dataset's
    :param beta: inverse temperature of the safety classification, per unit of r
    :param unsafe_weight: share in (0, 1) of the mean that falls to the unsafe segments, however
        many there are; ``None`` is the paper's plain mean over all labelled segments
    :param kwargs: as for :class:`~sb3_presa.algorithms.aligned.AlignedBaseline`
    :raises ConfigError: for an argument out of its range or spaces that are not supported
    """

    needs: Needs = frozenset({"safety labels"})

    def __init__(
        self,
        policy: str | type[BasePolicy] = "auto",
        env: GymEnv | str | None = None,
        beta: Positive = 0.2,
        unsafe_weight: ShareWithin | None = 2.0 / 3.0,
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
        )
