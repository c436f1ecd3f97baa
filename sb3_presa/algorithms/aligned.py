"""The base of baselines that align pairs of segments: settings, and the utility of a segment."""

from abc import abstractmethod
from collections.abc import Hashable
from typing import Any

import torch as th
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, Schedule

from sb3_presa.arguments import (
    Bound,
    Count,
    CountFromZero,
    NonNegative,
    Positive,
    Seed,
    ShareAboveZero,
    ShareBelowOne,
)
from sb3_presa.learning import losses
from sb3_presa.learning.alignment import Objective, PairLoss, PairSampler
from sb3_presa.learning.alignment_algorithm import AlignmentAlgorithm
from sb3_presa.learning.losses import PairBatch
from sb3_presa.learning.precision import Precision
from sb3_presa.learning.schedules import CosineSchedule
from sb3_presa.learning.source import SegmentLabels


class UtilityObjective(Objective):
    """
    An objective on one utility of segments, which is ``scale`` times their log-ratio r. Pairs are
    drawn uniformly from all labels.

    :param scale: inverse temperature per unit of r
    :param gamma: discount in (0, 1] of the log-ratios along a segment
    :param normalize_length: scale r to that of a segment of 100 steps
    :param n_pairs: pairs of segments a gradient step
    """

    def __init__(self, scale: float, gamma: float, normalize_length: bool, n_pairs: int) -> None:
        super().__init__()
        self.scale, self.gamma, self.normalize_length = scale, gamma, normalize_length
        self.n_pairs = n_pairs

    def attach(self, labels: SegmentLabels) -> tuple[SegmentLabels, PairSampler]:
        every = th.arange(len(labels.pairs), device=labels.pairs.device)
        return labels, PairSampler([(every, self.n_pairs)])

    def utility(self, batch: PairBatch) -> th.Tensor:
        """
        :param batch: a minibatch
        :return: utility of each segment, (B, 2)
        """
        return self.scale * losses.clipped_segment_log_ratio(
            batch, self.gamma, None, self.normalize_length
        )

    def signature(self) -> Hashable:
        settings = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return tuple(sorted((name, str(value)) for name, value in settings.items()))

    def preference_utility(self, batch: PairBatch) -> th.Tensor:
        return self.utility(batch)

    def safety_utility(self, batch: PairBatch) -> th.Tensor:
        return self.utility(batch)

    @abstractmethod
    def loss(self, batch: PairBatch, state: losses.State) -> losses.LossAndState:
        """
        :param batch: a minibatch
        :param state: the state, of which these objectives have none
        :return: the loss, scalars to log, and the next state
        """


class AlignedBaseline(AlignmentAlgorithm):
    """
    Base of the baselines that clone first and then align segments. Trainer, policy and optimiser
    are those of :class:`~sb3_presa.PRESA`; all data are cloned alike, and up to 64 steps are taken
    of a segment.

    :param policy: ``"MlpPolicy"``, ``"CnnPolicy"``, ``"MultiInputPolicy"`` or a class; ``"auto"``
        chooses by the observation space
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
    :param tensorboard_log: folder for TensorBoard logs, ``None`` for none
    :param verbose: 0 for no output, 1 for info, 2 for debug
    :param device: device to train on
    :param seed: seed of the initial weights and of the minibatches
    :raises ConfigError: for an argument out of its range or spaces that are not supported
    """

    objective: UtilityObjective

    def __init__(
        self,
        policy: str | type[BasePolicy] = "auto",
        env: GymEnv | str | None = None,
        learning_rate: NonNegative | Schedule = CosineSchedule(3e-4, 6e-6),
        n_cloning_steps: CountFromZero = 2000,
        cloning_learning_rate: Positive = 1e-3,
        cloning_batch_size: Count = 1024,
        n_pairs: Count = 32,
        n_segment_steps: Count = 64,
        gamma: ShareAboveZero = 0.99,
        normalize_length: bool = True,
        average_decay: ShareBelowOne = 0.99,
        max_grad_norm: Bound = 10.0,
        validation_fraction: ShareBelowOne = 0.0,
        precision: Precision = "float32",
        compile: bool = False,
        policy_kwargs: dict[str, Any] | None = None,
        tensorboard_log: str | None = None,
        verbose: int = 0,
        device: th.device | str = "auto",
        seed: Seed | None = None,
        _init_setup_model: bool = True,
    ) -> None:
        self.gamma = gamma
        self.normalize_length = normalize_length
        super().__init__(
            policy,
            env,
            learning_rate,
            n_cloning_steps=n_cloning_steps,
            cloning_learning_rate=cloning_learning_rate,
            cloning_batch_size=cloning_batch_size,
            n_pairs=n_pairs,
            n_segment_steps=n_segment_steps,
            validation_fraction=validation_fraction,
            precision=precision,
            compile=compile,
            max_grad_norm=max_grad_norm,
            average_decay=average_decay,
            policy_kwargs=policy_kwargs,
            tensorboard_log=tensorboard_log,
            verbose=verbose,
            device=device,
            seed=seed,
            init_setup_model=_init_setup_model,
        )

    def _pair_loss(self) -> PairLoss:
        return self.objective.loss
