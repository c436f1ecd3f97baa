"""Behaviour cloning, on everything or on what feedback calls good."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal

import torch as th
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, Schedule

from sb3_presa.arguments import Bound, Count, NonNegative, Seed, ShareBelowOne, ShareWithin
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import FeedbackError
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.offline_algorithm import OfflineAlgorithm
from sb3_presa.learning.offline_data import LABELS, Needs, OfflineData, completed
from sb3_presa.learning.phases import AllRows, Clone, Phase, RowSampler, SegmentRows
from sb3_presa.learning.precision import Precision
from sb3_presa.learning.schedules import CosineSchedule, rate_over
from sb3_presa.learning.source import BatchSource, SegmentLabels

#: What each choice of data reads.
_NEEDS: Final[Mapping[str, Needs]] = {
    "all": frozenset(),
    "safe": frozenset({"safety labels"}),
    "preferred-and-safe": LABELS,
    "best": LABELS,
}


class BC(OfflineAlgorithm):
    """
    Behaviour cloning, the baseline that any method from feedback must beat.

    :param policy: ``"MlpPolicy"``, ``"CnnPolicy"``, ``"MultiInputPolicy"`` or a class; ``"auto"``
        chooses by the observation space
    :param env: environment to take the spaces from, or ``None`` to take the dataset's
    :param data: what to clone: ``"all"`` transitions, the segments labelled ``"safe"``, or
        those that are ``"preferred-and-safe"``, or the ``"best"`` of all that labels call safe once
        they are completed (see :func:`sb3_presa.completion.complete`)
    :param safety_level: with ``data="best"``, the lowest probability, in (0, 1), that what is
        cloned is safe
    :param learning_rate: learning rate, may be a function of the remaining progress (1 to 0)
    :param batch_size: transitions a gradient step
    :param average_decay: share of the old average of the weights that stays at each step
    :param max_grad_norm: gradients are clipped to this norm
    :param precision: ``"float32"``, ``"bfloat16"`` or ``"auto"``, as in :class:`~sb3_presa.PRESA`
    :param policy_kwargs: further arguments of the policy
    :param tensorboard_log: folder for TensorBoard logs, ``None`` for none
    :param verbose: 0 for no output, 1 for info, 2 for debug
    :param device: device to train on
    :param seed: seed of the initial weights and of the minibatches
    :raises ConfigError: for an argument out of its range or spaces that are not supported
    """

    default_total_timesteps: ClassVar[int] = 4400

    def __init__(
        self,
        policy: str | type[BasePolicy] = "auto",
        env: GymEnv | str | None = None,
        data: Literal["all", "safe", "preferred-and-safe", "best"] = "all",
        learning_rate: NonNegative | Schedule = CosineSchedule(1e-3, 1e-5),
        batch_size: Count = 1024,
        safety_level: ShareWithin = 0.7,
        average_decay: ShareBelowOne = 0.99,
        max_grad_norm: Bound = 10.0,
        precision: Precision = "float32",
        policy_kwargs: dict[str, Any] | None = None,
        tensorboard_log: str | None = None,
        verbose: int = 0,
        device: th.device | str = "auto",
        seed: Seed | None = None,
        _init_setup_model: bool = True,
    ) -> None:
        self.data = data
        self.safety_level = safety_level
        self.batch_size = batch_size
        self.needs = _NEEDS[data]
        super().__init__(
            policy,
            env,
            learning_rate,
            max_grad_norm=max_grad_norm,
            average_decay=average_decay,
            precision=precision,
            policy_kwargs=policy_kwargs,
            tensorboard_log=tensorboard_log,
            verbose=verbose,
            device=device,
            seed=seed,
            init_setup_model=_init_setup_model,
        )

    def phases(self, total_timesteps: int | None = None) -> Sequence[Phase]:
        source = self.require_source()
        end = self.default_total_timesteps if total_timesteps is None else total_timesteps
        clone = Clone(
            0,
            end,
            rate_over(self.lr_schedule, 0, end),
            rows=self._rows(source),
            policy=self.policy,
            source=source,
            autocast=self._autocast,
        )
        return [clone]

    def _rows(self, source: BatchSource) -> RowSampler:
        if self.data == "all":
            return AllRows(source.n_transitions, self.batch_size)
        weights = _segment_weights(source.training, self.data, self.safety_level)
        return SegmentRows(source, weights, self.batch_size)

    def _complete(self, feedback: Feedback, transitions: Transitions) -> Feedback:
        wanted = self.data == "best"
        return completed(feedback, transitions, wanted, self.safety_level, self.data_seed)

    def _use_data(self, data: OfflineData, source: BatchSource) -> None:
        super()._use_data(data, source)
        if self.data == "all":
            return
        weights = _segment_weights(source.training, self.data, self.safety_level)
        if not bool((weights > 0).any()):
            raise FeedbackError(
                f"`feedback` must hold a segment that is {self.data} to clone, got none of "
                f"{len(source.training.starts)}. Label more segments, or clone data='all'."
            )


def _segment_weights(labels: SegmentLabels, data: str, level: float = 0.5) -> th.Tensor:
    """The weight of each segment in cloning, (S,): P(safe), times its number of wins if asked."""
    weights = labels.weights_at(level)
    if data == "best" and weights is not None:
        return weights
    safe = labels.p_safe.nan_to_num(0.0)
    if data == "safe":
        return safe
    won = labels.won.nan_to_num(0.0).flatten()
    wins = th.zeros_like(safe).index_add_(0, labels.pairs.flatten(), won)
    return safe * wins
