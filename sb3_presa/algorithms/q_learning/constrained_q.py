"""Offline constrained reinforcement learning: BCQ with a PID Lagrangian, whatever its outcomes."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch as th
from stable_baselines3.common.policies import BasePolicy

from sb3_presa.algorithms.q_learning import bcq_losses
from sb3_presa.algorithms.q_learning.bcq_policy import (
    BCQCnnPolicy,
    BCQMultiInputPolicy,
    BCQPolicy,
    draw_codes,
)
from sb3_presa.algorithms.q_learning.pid_lagrangian import PIDLagrangian, discounted_limit
from sb3_presa.data.datasets import DatasetLike, resolve_dataset
from sb3_presa.data.episodes import load_endings
from sb3_presa.data.transitions import Endings, Transitions
from sb3_presa.errors import ConfigError
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.cloning import sample_rows
from sb3_presa.learning.offline_algorithm import OfflineAlgorithm
from sb3_presa.learning.segment_buffer import SegmentBuffer, observations_to_device
from sb3_presa.policies.type_aliases import TensorObs, index_obs

#: Candidate actions that are valued together on a CPU: what the layers hold stays in its cache.
_CACHED_CANDIDATES = 1024


class SuccessorTable(NamedTuple):
    """
    Where each transition leads. The last observation of every episode stands behind all others,
    so that a next observation is a row of one table.
    """

    observations: TensorObs  #: of the N transitions, then the last of each episode, (N + E, ...)
    next_rows: th.Tensor  #: row of each transition's next observation, (N,)
    goes_on: th.Tensor  #: 0 where the task ended, 1 elsewhere, cut-off episodes included, (N,)


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
        cost_limit: float | None,
        gamma: float,
        tau: float,
        batch_size: int,
        n_target_actions: int,
        choose_targets: bool,
        min_weight: float,
        kl_coef: float,
        pid_gains: tuple[float, float, float],
        multiplier_max: float,
        horizon: int | None,
        **kwargs: Any,
    ) -> None:
        if cost_limit is not None and not 0.0 <= cost_limit < float("inf"):
            raise ConfigError(f"cost_limit is {cost_limit}; allowed are finite numbers >= 0")
        for name, share in (("gamma", gamma), ("tau", tau)):
            if not 0.0 < share <= 1.0:
                raise ConfigError(f"{name} is {share}; allowed is (0, 1]")
        for name, number in (
            ("batch_size", batch_size),
            ("n_target_actions", n_target_actions),
            ("horizon", horizon),
        ):
            if number is not None and number < 1:
                raise ConfigError(f"{name} is {number}; it must be at least 1")
        if not 0.0 <= min_weight <= 1.0:
            raise ConfigError(f"min_weight is {min_weight}; allowed is [0, 1]")
        if not kl_coef >= 0.0:
            raise ConfigError(f"kl_coef is {kl_coef}; it must be at least 0")
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
        self._endings: Endings | None = None
        self._successors: SuccessorTable | None = None
        self._discounted_limit = 0.0
        super().__init__(*args, average_decay=1.0 - tau, **kwargs)

    def _setup_model(self) -> None:
        super()._setup_model()
        self.controller = PIDLagrangian(self.pid_gains, self.multiplier_max).to(self.device)

    # --- data -------------------------------------------------------------------------------

    def set_dataset(
        self, dataset: DatasetLike, feedback: str | Feedback | None = "default"
    ) -> None:
        """
        Gives the model the data to learn from, for a new model or one that was loaded.

        :param dataset: a Minari dataset, its id, or the path of its folder
        :param feedback: name of the feedback set that lies beside the dataset, or labels; not
            read by an algorithm that ``reads_outcomes``
        """
        dataset = resolve_dataset(dataset)
        self._endings = load_endings(dataset)
        try:
            super().set_dataset(dataset, feedback)
        finally:
            self._endings = None

    def _use_data(self, transitions: Transitions, feedback: Feedback) -> None:
        super()._use_data(transitions, feedback)
        assert self.buffer is not None and self._endings is not None
        self._successors = make_successors(self.buffer, transitions, self._endings)
        self._discounted_limit = discounted_limit(
            self._episode_limit(), self.gamma, self._horizon(transitions)
        )

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
                f"{self.algorithm} has no cost_limit: give the cost that an episode may have"
            )
        return self.cost_limit

    @abstractmethod
    def _outcomes(self, rows: th.Tensor) -> th.Tensor:
        """
        :param rows: rows of the transitions, (N,)
        :return: rewards and costs of them, (2, N)
        """

    # --- learning ---------------------------------------------------------------------------

    def _average_decay_at(self, step: int) -> float:
        """Target networks do not act: they follow slowly from the start, as published."""
        del step
        return self.average_decay

    def _restart(self) -> None:
        self.policy.optimizer.state.clear()
        self.controller.reset()
        self.policy.multiplier.zero_()

    def _q_learning_step(self, step: int, learning_rate: float) -> dict[str, th.Tensor]:
        """
        Generator, critics and policy, each by its own loss, in one backward pass: none reaches
        the weights of another.
        """
        assert self.buffer is not None and self._successors is not None
        generator = self._step_generator(step)
        rows = sample_rows(self.buffer.n_transitions, self.batch_size, generator)
        observations, actions = self.buffer.gather(rows)
        actions, networks = actions.float(), self.policy.actor
        with self._autocast():
            features = networks.features(observations)
            generator_loss, code_dim = self._generator_loss(features, actions, generator)
            next_values = self._next_values(rows, generator)
            targets = bcq_losses.bellman_targets(
                self._outcomes(rows),
                next_values,
                self._successors.goes_on.index_select(0, rows),
                self.gamma,
            )
            critic_loss = bcq_losses.critic_loss(networks.values(features, actions), targets)
            fixed = features.detach()
            with th.no_grad():
                codes = draw_codes((len(rows), code_dim), fixed.device, generator)
                proposed = networks.vae.decode(fixed, codes)
            values = networks.values(fixed, networks.perturb(fixed, proposed), frozen=True)
        cost_value = next_values[1] if self.choose_targets else values[1].amin(0)
        error = cost_value.mean() - self._discounted_limit
        multiplier = self.controller.update(error)
        policy_loss = -bcq_losses.lagrangian_score(values, multiplier).mean()
        self._gradient_step(generator_loss + critic_loss + policy_loss, learning_rate)
        self.policy.multiplier.copy_(multiplier)
        return {
            "generator_loss": generator_loss,
            "critic_loss": critic_loss,
            "reward_value": values[0].amin(0).mean(),
            "cost_value": cost_value.mean(),
            "cost_excess": error,
            "multiplier": multiplier.clone(),
        }

    def _generator_loss(
        self, features: th.Tensor, actions: th.Tensor, generator: th.Generator
    ) -> tuple[th.Tensor, int]:
        vae = self.policy.actor.vae
        mean, log_std = vae.encode(features, actions)
        noise = th.randn(mean.shape, device=mean.device, generator=generator)
        reconstruction = vae.decode(features, mean + log_std.exp() * noise)
        loss = bcq_losses.vae_loss(reconstruction, actions, mean, log_std, self.kl_coef)
        return loss, vae.code_dim

    @th.no_grad()
    def _next_values(self, rows: th.Tensor, generator: th.Generator) -> th.Tensor:
        """Values of rewards and costs in the states that transitions lead to, (2, N)."""
        n_actions, code_dim = self.n_target_actions, self.policy.actor.vae.code_dim
        codes = draw_codes((len(rows) * n_actions, code_dim), rows.device, generator)
        n_together = len(rows)
        if rows.device.type == "cpu":
            n_together = max(1, _CACHED_CANDIDATES // n_actions)
        parts = zip(rows.split(n_together), codes.split(n_together * n_actions), strict=True)
        return th.cat([self._next_values_of(part, its_codes) for part, its_codes in parts], 1)

    def _next_values_of(self, rows: th.Tensor, codes: th.Tensor) -> th.Tensor:
        assert self._successors is not None
        networks, target_networks = self.policy.actor, self.policy.actor_average
        following = index_obs(
            self._successors.observations, self._successors.next_rows.index_select(0, rows)
        )
        n_actions = self.n_target_actions
        features = networks.features(following).repeat_interleave(n_actions, 0)
        proposed = networks.vae.decode(features, codes)
        features = target_networks.features(following).repeat_interleave(n_actions, 0)
        values = target_networks.values(features, target_networks.perturb(features, proposed))
        candidates = values.view(2, 2, len(rows), n_actions)
        if self.choose_targets:
            return bcq_losses.chosen_values(candidates, self.policy.multiplier, self.min_weight)
        return bcq_losses.highest_values(candidates, self.min_weight)

    # --- saving -----------------------------------------------------------------------------

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_endings", "_successors", "_discounted_limit"]

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        state_dicts, tensors = super()._get_torch_save_params()
        return [*state_dicts, "controller"], tensors


def make_successors(
    buffer: SegmentBuffer, transitions: Transitions, endings: Endings
) -> SuccessorTable:
    """
    :param buffer: the data, whose observations become a part of the table, not a second copy
    :param transitions: the same data
    :param endings: how each episode ends
    :return: the table
    """
    n_steps, device = buffer.n_transitions, buffer.device
    last = transitions.episode_starts + transitions.episode_lengths - 1
    next_rows, goes_on = np.arange(1, n_steps + 1), np.ones(n_steps, dtype=np.float32)
    next_rows[last] = n_steps + np.arange(len(last))
    goes_on[last] = ~endings.terminated
    behind = observations_to_device(endings.observations, transitions.observation_space, device)
    table: TensorObs
    if isinstance(buffer.observations, dict):
        assert isinstance(behind, dict)
        table = {key: th.cat([part, behind[key]]) for key, part in buffer.observations.items()}
        buffer.observations = {key: part[:n_steps] for key, part in table.items()}
    else:
        assert isinstance(behind, th.Tensor)
        table = th.cat([buffer.observations, behind])
        buffer.observations = table[:n_steps]
    return SuccessorTable(
        observations=table,
        next_rows=th.as_tensor(next_rows, device=device),
        goes_on=th.as_tensor(goes_on, device=device),
    )
