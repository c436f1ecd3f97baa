"""Batch-constrained Q-learning with a Lagrangian, an upper reference that reads the truth."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch as th
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, Schedule

from sb3_presa.algorithms.q_learning.constrained_q import ConstrainedQLearning
from sb3_presa.arguments import Bound, Count, NonNegative, Seed, Share, ShareAboveZero
from sb3_presa.learning.offline_data import Needs, OfflineData
from sb3_presa.learning.phases import Phase
from sb3_presa.learning.precision import Precision
from sb3_presa.learning.source import BatchSource


class BCQLag(ConstrainedQLearning):
    r"""
    Batch-constrained deep Q-learning (Fujimoto, Meger and Precup, ICML 2019,
    https://arxiv.org/abs/1812.02900) under a cost limit, by a multiplier that a PID controller
    moves (Stooke, Achiam and Abbeel, ICML 2020, https://arxiv.org/abs/2007.03964), as in OSRL
    (Liu et al., "Datasets and Benchmarks for Offline Safe Reinforcement Learning", 2023,
    https://arxiv.org/abs/2306.09303). It reads true rewards and costs, and no feedback.

    A generator (VAE) proposes actions like those of the data, a perturbation moves them a little
    towards :math:`\max Q_r - \nu Q_c`, and :math:`\nu` rises while :math:`Q_c` is above the cost
    limit, which is first converted to the discounted return of an episode that spreads it evenly.

    As published: networks, losses, optimiser, targets (.75 of the lower twin and .25 of the
    higher, at the candidate of ten that is highest in each of reward and cost), and all settings,
    rewards scaled by .1 among them; the last iterate. Not as published: critics look beyond
    an episode's end where it was cut off, and not where the task ended (theirs stop rewards at
    both and costs at neither); both critics see the same candidates; all losses are taken at the
    same weights, not one after the other; observations are standardised; hidden layers may be in
    bfloat16; the policy acts on the best of ten candidates (``policy_kwargs={"n_candidates": 1}``
    acts on one, as theirs does).

    :param policy: ``"MlpPolicy"``, ``"CnnPolicy"``, ``"MultiInputPolicy"`` or a class; ``"auto"``
        chooses by the observation space
    :param env: environment to take the spaces from, or ``None`` to take the dataset's
    :param cost_limit: cost that a whole episode may have; must be given before data are
    :param learning_rate: learning rate of all networks, a number or a function of the share of
        the steps that remains (1 to 0)
    :param batch_size: transitions a gradient step
    :param gamma: discount in (0, 1] of rewards and of costs
    :param tau: share in (0, 1] of the trained weights that the target networks take in a step
    :param n_target_actions: candidate actions in a next state
    :param choose_targets: value a next state by the candidate that the policy would choose, and
        hold the costs of those against the limit; as published, targets take the highest candidate
        of each outcome, costs too
    :param min_weight: weight in [0, 1] of the lower of two critics in a target
    :param kl_coef: weight of the divergence in the generator's loss
    :param reward_scale: rewards are multiplied by this
    :param pid_gains: proportional, integral and derivative gain of the multiplier
    :param multiplier_max: largest multiplier
    :param horizon: steps of a full episode, the longest in the data where ``None``
    :param max_grad_norm: gradients are clipped to this norm
    :param precision: ``"float32"``, ``"bfloat16"`` or ``"auto"``, as in :class:`~sb3_presa.PRESA`
    :param policy_kwargs: further arguments of the policy,
        :class:`~sb3_presa.algorithms.q_learning.bcq_policy.BCQPolicy`
    :param tensorboard_log: folder for TensorBoard logs, ``None`` for none
    :param verbose: 0 for no output, 1 for info, 2 for debug
    :param device: device to train on
    :param seed: seed of the initial weights and of the minibatches
    :raises ConfigError: for an argument out of its range or spaces that are not supported
    """

    default_total_timesteps: ClassVar[int] = 100_000
    needs: Needs = frozenset({"outcomes", "endings"})

    def __init__(
        self,
        policy: str | type[BasePolicy] = "auto",
        env: GymEnv | str | None = None,
        cost_limit: NonNegative | None = None,
        learning_rate: NonNegative | Schedule = 1e-3,
        batch_size: Count = 512,
        gamma: ShareAboveZero = 0.99,
        tau: ShareAboveZero = 0.005,
        n_target_actions: Count = 10,
        choose_targets: bool = False,
        min_weight: Share = 0.75,
        kl_coef: NonNegative = 0.5,
        reward_scale: float = 0.1,
        pid_gains: tuple[float, float, float] = (0.1, 0.003, 0.001),
        multiplier_max: Bound = math.inf,
        horizon: Count | None = None,
        max_grad_norm: Bound = math.inf,
        precision: Precision = "float32",
        policy_kwargs: dict[str, Any] | None = None,
        tensorboard_log: str | None = None,
        verbose: int = 0,
        device: th.device | str = "auto",
        seed: Seed | None = None,
        _init_setup_model: bool = True,
    ) -> None:
        self.reward_scale = reward_scale
        self._true_outcomes: th.Tensor | None = None
        super().__init__(
            policy,
            env,
            learning_rate,
            cost_limit=cost_limit,
            gamma=gamma,
            tau=tau,
            batch_size=batch_size,
            n_target_actions=n_target_actions,
            choose_targets=choose_targets,
            min_weight=min_weight,
            kl_coef=kl_coef,
            pid_gains=pid_gains,
            multiplier_max=multiplier_max,
            horizon=horizon,
            max_grad_norm=max_grad_norm,
            precision=precision,
            policy_kwargs=policy_kwargs,
            tensorboard_log=tensorboard_log,
            verbose=verbose,
            device=device,
            seed=seed,
            init_setup_model=_init_setup_model,
        )

    def _use_data(self, data: OfflineData, source: BatchSource) -> None:
        super()._use_data(data, source)
        assert data.outcomes is not None
        both = np.stack([self.reward_scale * data.outcomes.rewards, data.outcomes.costs])
        self._true_outcomes = th.as_tensor(both, dtype=th.float32, device=self.device)

    def _outcomes(self, rows: th.Tensor) -> th.Tensor:
        assert self._true_outcomes is not None
        return self._true_outcomes.index_select(1, rows)

    def phases(self, total_timesteps: int | None = None) -> Sequence[Phase]:
        end = self.default_total_timesteps if total_timesteps is None else total_timesteps
        return [self._q_learning(0, end)]

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_true_outcomes"]
