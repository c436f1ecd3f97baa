"""What the baselines that align pairs of segments share: settings, and the utility of a segment."""

from abc import abstractmethod
from typing import Any

import torch as th
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, Schedule

from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError, FeedbackError
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning import losses
from sb3_presa.learning.alignment import AlignmentAlgorithm, Objective, PairBatch
from sb3_presa.learning.schedules import CosineSchedule
from sb3_presa.learning.segment_buffer import SegmentLabels


class UtilityObjective(Objective):
    """
    An objective on the utility of segments, which is ``scale`` times their log-ratio r.

    :param scale: inverse temperature per unit of r
    :param gamma: discount in (0, 1] of the log-ratios along a segment
    :param normalize_length: scale r to that of a segment of 100 steps
    :param n_pairs: pairs of segments a gradient step
    :param n_segment_steps: steps sampled of each segment longer than that
    """

    def __init__(
        self, scale: float, gamma: float, normalize_length: bool, n_pairs: int, n_segment_steps: int
    ) -> None:
        super().__init__(n_pairs, n_segment_steps)
        if not 0.0 < gamma <= 1.0:
            raise ConfigError(f"gamma is {gamma}; allowed is (0, 1]")
        self.scale, self.gamma, self.normalize_length = scale, gamma, normalize_length

    def sample_pairs(self, labels: SegmentLabels, generator: th.Generator) -> th.Tensor:
        return th.randint(
            len(labels.pairs), (self.n_pairs,), generator=generator, device=generator.device
        )

    def utility(self, batch: PairBatch) -> th.Tensor:
        return self.scale * losses.segment_log_ratio(
            batch.log_ratio,
            batch.weights,
            batch.positions,
            batch.lengths,
            self.gamma,
            self.normalize_length,
        )


class AlignedBaseline(AlignmentAlgorithm):
    """
    Base of the baselines that clone first and then align segments. Trainer, policy and optimiser
    are those of :class:`~sb3_presa.PRESA`; all data are cloned alike, and up to 64 steps are taken
    of a segment.

    :param policy: ``"MlpPolicy"``, ``"CnnPolicy"``, ``"MultiInputPolicy"`` or a class
    :param env: environment to take the spaces from, or ``None`` to take the dataset's; it is
        never stepped while learning
    :param learning_rate: learning rate of alignment, a number or a function of the share of the
        alignment steps that remains (1 to 0)
    :param n_cloning_steps: gradient steps of behaviour cloning
    :param cloning_learning_rate: learning rate at the start of cloning; falls to a hundredth
    :param cloning_batch_size: transitions a cloning step
    :param n_pairs: pairs of segments an alignment step
    :param n_segment_steps: steps sampled, stratified, of each segment longer than that
    :param gamma: discount in (0, 1] of the log-ratios along a segment
    :param normalize_length: ``True`` scales the log-ratio of a segment to that of one of 100
        steps, so that segments of different lengths are on one scale; ``False`` is the plain sum
    :param average_decay: the weights that act are the running average of the trained ones; this
        is the share of the old average that stays at each step, 0 to act with the last weights
    :param max_grad_norm: gradients are clipped to this norm
    :param validation_fraction: share in [0, 1) of the labels held out by episode, to log on
    :param precision: ``"float32"``, ``"bfloat16"`` or ``"auto"``, as in :class:`~sb3_presa.PRESA`
    :param compile: compile the alignment step with ``torch.compile``
    :param policy_kwargs: further arguments of the policy
    :param stats_window_size: kept for SB3's interface
    :param tensorboard_log: folder for TensorBoard logs, ``None`` for none
    :param verbose: 0 for no output, 1 for info, 2 for debug
    :param device: device to train on
    :param seed: seed of the initial weights and of the minibatches
    :raises ConfigError: for an argument out of its range or spaces that are not supported
    """

    def __init__(
        self,
        policy: str | type[BasePolicy] = "MlpPolicy",
        env: GymEnv | str | None = None,
        learning_rate: float | Schedule = CosineSchedule(3e-4, 6e-6),
        n_cloning_steps: int = 2000,
        cloning_learning_rate: float = 1e-3,
        cloning_batch_size: int = 1024,
        n_pairs: int = 32,
        n_segment_steps: int = 64,
        gamma: float = 0.99,
        normalize_length: bool = True,
        average_decay: float = 0.99,
        max_grad_norm: float = 10.0,
        validation_fraction: float = 0.0,
        precision: str = "auto",
        compile: bool = False,
        policy_kwargs: dict[str, Any] | None = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        verbose: int = 0,
        device: th.device | str = "auto",
        seed: int | None = None,
        _init_setup_model: bool = True,
    ) -> None:
        self.n_pairs = n_pairs
        self.n_segment_steps = n_segment_steps
        self.gamma = gamma
        self.normalize_length = normalize_length
        self._make_objective()  # refuses settings out of their range now, not when data come
        super().__init__(
            policy,
            env,
            learning_rate,
            n_cloning_steps=n_cloning_steps,
            cloning_learning_rate=cloning_learning_rate,
            cloning_batch_size=cloning_batch_size,
            validation_fraction=validation_fraction,
            precision=precision,
            compile=compile,
            max_grad_norm=max_grad_norm,
            average_decay=average_decay,
            policy_kwargs=policy_kwargs,
            stats_window_size=stats_window_size,
            tensorboard_log=tensorboard_log,
            verbose=verbose,
            device=device,
            seed=seed,
            init_setup_model=_init_setup_model,
        )

    @abstractmethod
    def _readable(self, feedback: Feedback) -> Feedback:
        """
        :param feedback: all labels
        :return: those that this algorithm may read, which are the only ones that it is given
        """

    def _use_data(self, transitions: Transitions, feedback: Feedback) -> None:
        readable = self._readable(feedback)
        if len(readable.comparisons) == 0 and not (readable.p_safe == readable.p_safe).any():
            raise FeedbackError(f"the feedback holds no label that {self.algorithm} learns from")
        super()._use_data(transitions, readable)
