"""Offline constrained reinforcement learning: BCQ with a PID Lagrangian, whatever its outcomes."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch as th
from stable_baselines3.common.policies import BasePolicy

from sb3_presa.algorithms.q_learning.bcq_policy import (
    BCQCnnPolicy,
    BCQMultiInputPolicy,
    BCQPolicy,
)
from sb3_presa.algorithms.q_learning.phase import QLearning, QSettings
from sb3_presa.algorithms.q_learning.pid_lagrangian import PIDLagrangian, discounted_limit
from sb3_presa.arguments import Bound, Count, NonNegative, Share, ShareAboveZero
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError
from sb3_presa.learning.offline_algorithm import OfflineAlgorithm
from sb3_presa.learning.offline_data import OfflineData
from sb3_presa.learning.schedules import rate_over
from sb3_presa.learning.source import BatchSource


class ConstrainedQLearning(OfflineAlgorithm, ABC):
    """
    Base of the algorithms that learn critics of a reward and of a cost by BCQ, and a policy that
    raises the one under a limit of the other. What rewards and costs are is the subclass's.

    :param cost_limit: undiscounted cost that a full episode may have
    :param gamma: discount in (0, 1] of rewards and of costs
    :param tau: share in (0, 1] of the trained weights that the target networks take in a step
    :param batch_size: transitions a gradient step
    :param n_target_actions: candidate actions in a next state
    :param choose_targets: value a next state by the candidate that the policy would choose, and
        hold the costs of those candidates against the limit; otherwise, as published, targets take
        the highest candidate of each outcome, and the cost of perturbed draws is held against it
    :param min_weight: weight in [0, 1] of the lower of two critics in a target
    :param kl_coef: weight of the divergence in the generator's loss
    :param pid_gains: proportional, integral and derivative gain of the multiplier
    :param multiplier_max: largest multiplier
    :param horizon: steps of a full episode, the longest in the data where ``None``
    :param kwargs: arguments of :class:`~sb3_presa.learning.offline_algorithm.OfflineAlgorithm`
    :raises ConfigError: for an argument out of its range
    """

    policy: BCQPolicy
    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        "MlpPolicy": BCQPolicy,
        "CnnPolicy": BCQCnnPolicy,
        "MultiInputPolicy": BCQMultiInputPolicy,
    }

    def __init__(
        self,
        *args: Any,
        cost_limit: NonNegative | None,
        gamma: ShareAboveZero,
        tau: ShareAboveZero,
        batch_size: Count,
        n_target_actions: Count,
        choose_targets: bool,
        min_weight: Share,
        kl_coef: NonNegative,
        pid_gains: tuple[float, float, float],
        multiplier_max: Bound,
        horizon: Count | None,
        **kwargs: Any,
    ) -> None:
        self.cost_limit = cost_limit
        self.gamma = gamma
        self.tau = tau
        self.batch_size = batch_size
        self.n_target_actions = n_target_actions
        self.choose_targets = choose_targets
        self.min_weight = min_weight
        self.kl_coef = kl_coef
        self.pid_gains = pid_gains
        self.multiplier_max = multiplier_max
        self.horizon = horizon
        PIDLagrangian(pid_gains, multiplier_max)  # refuses its settings now, not when data come
        self._discounted_limit = 0.0
        super().__init__(*args, average_decay=1.0 - tau, **kwargs)

    def _setup_model(self) -> None:
        super()._setup_model()
        self.controller = PIDLagrangian(self.pid_gains, self.multiplier_max).to(self.device)

    # --- data -------------------------------------------------------------------------------

    def _use_data(self, data: OfflineData, source: BatchSource) -> None:
        super()._use_data(data, source)
        horizon = self._horizon(data.transitions)
        self._discounted_limit = discounted_limit(self._episode_limit(), self.gamma, horizon)

    def _horizon(self, transitions: Transitions) -> int:
        """
        :param transitions: the data
        :return: steps of a full episode
        """
        return self.horizon or int(transitions.episode_lengths.max())

    def _episode_limit(self) -> float:
        """
        :return: cost that a full episode may have, in the unit of the costs
        """
        if self.cost_limit is None:
            raise ConfigError(
                f"`cost_limit` must be given to {self.algorithm}: the cost that an episode may "
                "have, got None"
            )
        return self.cost_limit

    @abstractmethod
    def _outcomes(self, rows: th.Tensor) -> th.Tensor:
        """
        :param rows: rows of the transitions, (N,)
        :return: rewards and costs of them, (2, N)
        """

    def _q_learning(self, start: int, end: int, **kwargs: Any) -> QLearning:
        """
        :param start: its first step
        :param end: gradient steps at which the run ends
        :param kwargs: further arguments of the phase
        :return: the phase of Q-learning
        """
        return QLearning(
            start,
            max(end, start + 1),
            rate_over(self.lr_schedule, start, end),
            policy=self.policy,
            controller=self.controller,
            source=self.require_source(),
            outcomes=self._outcomes,
            settings=QSettings(
                gamma=self.gamma,
                discounted_limit=self._discounted_limit,
                batch_size=self.batch_size,
                n_target_actions=self.n_target_actions,
                choose_targets=self.choose_targets,
                min_weight=self.min_weight,
                kl_coef=self.kl_coef,
            ),
            autocast=self._autocast,
            **kwargs,
        )

    def _restart(self) -> None:
        super()._restart()
        self.controller.reset()
        self.policy.multiplier.zero_()

    # --- saving -----------------------------------------------------------------------------

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_discounted_limit"]

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        state_dicts, tensors = super()._get_torch_save_params()
        return [*state_dicts, "controller"], tensors
