"""The phase of constrained Q-learning: one loss for generator, critics and policy."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch as th

from sb3_presa.algorithms.q_learning import bcq_losses
from sb3_presa.algorithms.q_learning.bcq_policy import BCQPolicy, draw_codes
from sb3_presa.algorithms.q_learning.pid_lagrangian import PIDLagrangian
from sb3_presa.learning.losses import LossAndState, State
from sb3_presa.learning.phases import Autocast, Phase
from sb3_presa.learning.source import BatchSource, sample_rows

#: Candidate actions that are valued together on a CPU: what the layers hold stays in its cache.
_CACHED_CANDIDATES = 1024


class QBatch(NamedTuple):
    """Transitions, and the source of the randomness that their loss draws."""

    rows: th.Tensor  #: rows of the transitions, (N,)
    generator: th.Generator


@dataclass(frozen=True)
class QSettings:
    """The functions that :class:`QLearning` depends on; each algorithm gives its own."""

    gamma: float
    discounted_limit: float
    batch_size: int
    n_target_actions: int
    choose_targets: bool
    min_weight: float
    kl_coef: float


class QLearning(Phase):
    """
    Batch-constrained Q-learning under a cost limit.

    :param policy: the networks
    :param controller: moves the multiplier
    :param source: what minibatches are drawn from, with successors
    :param outcomes: rewards and costs of rows of the transitions, (2, N)
    :param settings: the settings
    :param autocast: context of forward passes
    :param on_enter: called before the first step; returns numbers to log
    :param on_prepare: called before the first step that a call of ``learn`` takes
    :param kwargs: as for :class:`~sb3_presa.learning.phases.Phase`
    """

    name = "q_learning"
    metrics = (
        "generator_loss",
        "critic_loss",
        "reward_value",
        "cost_value",
        "cost_excess",
        "multiplier",
    )
    # Target networks do not act: they follow slowly from the start, as published
    warms_average_up = False

    def __init__(
        self,
        *args: Any,
        policy: BCQPolicy,
        controller: PIDLagrangian,
        source: BatchSource,
        outcomes: Callable[[th.Tensor], th.Tensor],
        settings: QSettings,
        autocast: Autocast,
        on_enter: Callable[[], dict[str, float]] | None = None,
        on_prepare: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(*args)
        self.policy, self.controller, self.source = policy, controller, source
        self.outcomes, self.settings, self.autocast = outcomes, settings, autocast
        self._on_enter, self._on_prepare = on_enter, on_prepare

    def enter(self) -> dict[str, float]:
        return self._on_enter() if self._on_enter is not None else {}

    def prepare(self) -> None:
        if self._on_prepare is not None:
            self._on_prepare()

    @property
    def optimizer(self) -> th.optim.Optimizer:
        return self.policy.optimizer

    def sample(self, generator: th.Generator) -> QBatch:
        rows = sample_rows(self.source.n_transitions, self.settings.batch_size, generator)
        return QBatch(rows, generator)

    def loss(self, batch: QBatch) -> LossAndState:
        """
        Generator, critics and policy, each by its own loss, in one backward pass: none reaches
        the weights of another.

        :param batch: the minibatch
        :return: the sum of the losses, scalars to log, and the next state of the controller
        """
        rows, generator, settings = batch.rows, batch.generator, self.settings
        assert self.source.successors is not None
        observations, actions = self.source.gather(rows)
        actions, networks = actions.float(), self.policy.actor
        with self.autocast():
            features = networks.features(observations)
            generator_loss, code_dim = self._generator_loss(features, actions, generator)
            next_values = self._next_values(rows, generator)
            targets = bcq_losses.bellman_targets(
                self.outcomes(rows),
                next_values,
                self.source.successors.goes_on.index_select(0, rows),
                settings.gamma,
            )
            critic_loss = bcq_losses.critic_loss(networks.values(features, actions), targets)
            fixed = features.detach()
            with th.no_grad():
                codes = draw_codes((len(rows), code_dim), fixed.device, generator)
                proposed = networks.vae.decode(fixed, codes)
            values = networks.values(fixed, networks.perturb(fixed, proposed), frozen=True)
        cost_value = next_values[1] if settings.choose_targets else values[1].amin(0)
        error = cost_value.mean() - settings.discounted_limit
        state = self.controller.following(error)
        policy_loss = -bcq_losses.lagrangian_score(values, state["multiplier"]).mean()
        return (
            generator_loss + critic_loss + policy_loss,
            {
                "generator_loss": generator_loss,
                "critic_loss": critic_loss,
                "reward_value": values[0].amin(0).mean(),
                "cost_value": cost_value.mean(),
                "cost_excess": error,
                "multiplier": state["multiplier"],
            },
            state,
        )

    def keep(self, state: State) -> None:
        self.controller.keep(state)
        self.policy.multiplier.copy_(state["multiplier"])

    def _generator_loss(
        self, features: th.Tensor, actions: th.Tensor, generator: th.Generator
    ) -> tuple[th.Tensor, int]:
        vae = self.policy.actor.vae
        mean, log_std = vae.encode(features, actions)
        noise = th.randn(mean.shape, device=mean.device, generator=generator)
        reconstruction = vae.decode(features, mean + log_std.exp() * noise)
        loss = bcq_losses.vae_loss(reconstruction, actions, mean, log_std, self.settings.kl_coef)
        return loss, vae.code_dim

    @th.no_grad()
    def _next_values(self, rows: th.Tensor, generator: th.Generator) -> th.Tensor:
        """Values of rewards and costs in the states that transitions lead to, (2, N)."""
        n_actions, code_dim = self.settings.n_target_actions, self.policy.actor.vae.code_dim
        codes = draw_codes((len(rows) * n_actions, code_dim), rows.device, generator)
        n_together = len(rows)
        if rows.device.type == "cpu":
            n_together = max(1, _CACHED_CANDIDATES // n_actions)
        parts = zip(rows.split(n_together), codes.split(n_together * n_actions), strict=True)
        return th.cat([self._next_values_of(part, its_codes) for part, its_codes in parts], 1)

    def _next_values_of(self, rows: th.Tensor, codes: th.Tensor) -> th.Tensor:
        assert self.source.successors is not None
        networks, target_networks = self.policy.actor, self.policy.actor_average
        next_rows = self.source.successors.next_rows.index_select(0, rows)
        following = self.source.observations_at(next_rows)
        n_actions = self.settings.n_target_actions
        features = networks.features(following).repeat_interleave(n_actions, 0)
        proposed = networks.vae.decode(features, codes)
        features = target_networks.features(following).repeat_interleave(n_actions, 0)
        values = target_networks.values(features, target_networks.perturb(features, proposed))
        candidates = values.view(2, 2, len(rows), n_actions)
        if self.settings.choose_targets:
            return bcq_losses.chosen_values(
                candidates, self.policy.multiplier, self.settings.min_weight
            )
        return bcq_losses.highest_values(candidates, self.settings.min_weight)
