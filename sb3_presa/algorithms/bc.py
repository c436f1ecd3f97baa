"""Behaviour cloning, on everything or on what feedback calls good."""

from typing import Any, ClassVar

import torch as th
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, Schedule

from sb3_presa.data.datasets import DatasetLike
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError, FeedbackError
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.cloning import sample_rows, sample_segment_rows
from sb3_presa.learning.cloning_algorithm import CloningAlgorithm
from sb3_presa.learning.schedules import CosineSchedule
from sb3_presa.learning.segment_buffer import SegmentLabels

_DATA = ("all", "safe", "preferred-and-safe")


class BC(CloningAlgorithm):
    """
    Behaviour cloning, the baseline that any method from feedback must beat.

    :param policy: ``"MlpPolicy"``, ``"CnnPolicy"``, ``"MultiInputPolicy"`` or a class
    :param env: environment to take the spaces from, or ``None`` to take the dataset's
    :param data: what to clone: ``"all"`` transitions, the segments labelled ``"safe"``, or
        those that are ``"preferred-and-safe"``
    :param learning_rate: learning rate, may be a function of the remaining progress (1 to 0)
    :param batch_size: transitions a gradient step
    :param average_decay: share of the old average of the weights that stays at each step
    :param max_grad_norm: gradients are clipped to this norm
    :param precision: of the networks' forward and backward passes in training: ``"float32"``,
        ``"bfloat16"`` (autocast), or ``"auto"``: bfloat16 on a CPU that multiplies bfloat16 in
        hardware (AVX512-BF16, AMX), float32 elsewhere, GPUs included. ``predict`` is in float32
    :param policy_kwargs: further arguments of the policy
    :param stats_window_size: kept for SB3's interface
    :param tensorboard_log: folder for TensorBoard logs, ``None`` for none
    :param verbose: 0 for no output, 1 for info, 2 for debug
    :param device: device to train on
    :param seed: seed of the initial weights and of the minibatches
    :raises ConfigError: for an argument out of its range or spaces that are not supported
    """

    default_total_timesteps: ClassVar[int] = 4400

    def __init__(
        self,
        policy: str | type[BasePolicy] = "MlpPolicy",
        env: GymEnv | str | None = None,
        data: str = "all",
        learning_rate: float | Schedule = CosineSchedule(1e-3, 1e-5),
        batch_size: int = 1024,
        average_decay: float = 0.99,
        max_grad_norm: float = 10.0,
        precision: str = "auto",
        policy_kwargs: dict[str, Any] | None = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        verbose: int = 0,
        device: th.device | str = "auto",
        seed: int | None = None,
        _init_setup_model: bool = True,
    ) -> None:
        if data not in _DATA:
            raise ConfigError(f"data is {data!r}; allowed are {', '.join(map(repr, _DATA))}")
        if batch_size < 1:
            raise ConfigError(f"batch_size is {batch_size}; it must be at least 1")
        self.data = data
        self.batch_size = batch_size
        self._segment_weights: th.Tensor | None = None
        super().__init__(
            policy,
            env,
            learning_rate,
            max_grad_norm=max_grad_norm,
            average_decay=average_decay,
            precision=precision,
            policy_kwargs=policy_kwargs,
            stats_window_size=stats_window_size,
            tensorboard_log=tensorboard_log,
            verbose=verbose,
            device=device,
            seed=seed,
            init_setup_model=_init_setup_model,
        )

    def set_dataset(
        self, dataset: DatasetLike, feedback: str | Feedback | None = "default"
    ) -> None:
        """
        Gives the model the data to learn from.

        :param dataset: a Minari dataset, its id, or the path of its folder
        :param feedback: name of the feedback set that lies beside the dataset, or labels; not
            read where ``data`` is ``"all"``
        """
        super().set_dataset(dataset, None if self.data == "all" else feedback)

    def _use_data(self, transitions: Transitions, feedback: Feedback) -> None:
        super()._use_data(transitions, feedback)
        assert self.buffer is not None
        self._segment_weights = None
        if self.data != "all":
            self._segment_weights = _segment_weights(self.buffer.labels, self.data)
            if not bool((self._segment_weights > 0).any()):
                raise FeedbackError(
                    f"the feedback has no segment that is {self.data}, so there is nothing to clone"
                )

    def _sample_cloning_rows(self, generator: th.Generator) -> th.Tensor:
        assert self.buffer is not None
        if self._segment_weights is None:
            return sample_rows(self.buffer.n_transitions, self.batch_size, generator)
        return sample_segment_rows(self.buffer, self._segment_weights, self.batch_size, generator)

    def _learning_rate_at(self, step: int) -> float:
        return float(self.lr_schedule(self._current_progress_remaining))

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_segment_weights"]


def _segment_weights(labels: SegmentLabels, data: str) -> th.Tensor:
    """How much of each segment to clone, (S,): P(safe), times its share of wins if asked."""
    safe = labels.p_safe.nan_to_num(0.0)
    if data == "safe":
        return safe
    won = labels.won.nan_to_num(0.0).flatten()
    wins = th.zeros_like(safe).index_add_(0, labels.pairs.flatten(), won)
    return safe * wins
