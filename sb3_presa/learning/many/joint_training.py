"""One gradient step of many models at once."""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import torch as th
from stable_baselines3.common.utils import update_learning_rate
from torch.func import vmap

from sb3_presa.learning.alignment import Align, PairRows
from sb3_presa.learning.learner import Run
from sb3_presa.learning.loop import MeanMetrics
from sb3_presa.learning.losses import PairBatch, State
from sb3_presa.learning.many.stacked_actors import StackedActors
from sb3_presa.learning.phases import LikelihoodPhase


class JointTraining:
    """
    Takes the steps of many runs together: one gather, one forward and backward pass of the stacked
    networks, one evaluation of the loss for all models that share it. Randomness, phases, learning
    rates and optimizers stay each model's own.

    :param runs: runs that ``check_alike`` lets through, with shared transitions
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = list(runs)
        policies = [run.model.policy for run in runs]
        self._actors = StackedActors([policy.actor for policy in policies])
        self._optimizers = [policy.optimizer for policy in policies]
        self._parameters = [_parameters(optimizer) for optimizer in self._optimizers]
        max_norms = [run.model.max_grad_norm for run in runs]
        self._max_norms = th.tensor(max_norms, device=runs[0].model.device)
        self._groups: list[_Group] = []
        self._phases: list[LikelihoodPhase] = []

    def step(self, step: int) -> None:
        """
        :param step: gradient steps that each model has taken so far
        """
        self._enter(step)
        batches: list[Any] = []
        with ExitStack() as dropping:
            for run, phase in zip(self._runs, self._phases, strict=True):
                generator = run.loop.seed_generator(step)
                dropping.enter_context(run.model.policy.dropping_out(generator))
                batches.append(phase.sample(generator))
            rows = [p.rows_of(b) for p, b in zip(self._phases, batches, strict=True)]
            log_prob = self._log_prob(th.stack(rows))
            losses = [group.loss(log_prob, batches) for group in self._groups]
            self._gradient_step(th.stack(losses).sum(), step)
        for group in self._groups:
            group.keep()
        for run, phase in zip(self._runs, self._phases, strict=True):
            run.loop.average(phase, step)

    def _enter(self, step: int) -> None:
        """The phase of each model; those that share a loss are one group."""
        phases: list[LikelihoodPhase] = []
        for run in self._runs:
            phase, entered = run.loop.enter(step)
            assert isinstance(phase, LikelihoodPhase)
            run.model.record(entered)
            phases.append(phase)
        if phases == self._phases:
            return
        members: dict[Hashable, list[int]] = {}
        for index, phase in enumerate(phases):
            members.setdefault(_loss_key(phase), []).append(index)
        self._phases = phases
        means = {tuple(group.indices): group.means for group in self._groups}
        self._groups = [
            _Group(phases, indices, means.get(tuple(indices), MeanMetrics()))
            for indices in members.values()
        ]

    def entries(self, step: int) -> Iterator[tuple[Run, dict[str, float]]]:
        """
        :param step: gradient steps taken so far, at least 1
        :return: each run, and what its log entry holds
        """
        for group in self._groups:
            means = group.means.pop()
            for position, index in enumerate(group.indices):
                run = self._runs[index]
                yield run, run.loop.entry(step, {k: v[position] for k, v in means.items()})

    def _log_prob(self, rows: th.Tensor) -> th.Tensor:
        """Of the transitions in each model's rows, (M, ...), by that model."""
        first = self._phases[0]
        observations, actions = first.source.gather(rows)
        with first.autocast():
            return self._actors.log_prob(observations, actions).view(rows.shape)

    def _gradient_step(self, loss: th.Tensor, step: int) -> None:
        for phase, optimizer in zip(self._phases, self._optimizers, strict=True):
            update_learning_rate(optimizer, phase.learning_rates[step - phase.start])
        for parameter in [p for own in self._parameters for p in own]:
            parameter.grad = None
        loss.backward()
        self._clip_gradients()
        for optimizer in self._optimizers:
            optimizer.step()

    @th.no_grad()
    def _clip_gradients(self) -> None:
        """Those of each model to its own norm, as ``clip_grad_norm_`` does."""
        gradients = [p.grad for own in self._parameters for p in own if p.grad is not None]
        norms = th.stack(th._foreach_norm(gradients)).view(len(self._runs), -1)
        scale = (self._max_norms / (norms.norm(dim=1) + 1e-6)).clamp(max=1.0)
        th._foreach_mul_(gradients, list(scale.repeat_interleave(norms.shape[1]).unbind()))


class _Group:
    """Models whose phases compute the same of their batches and states."""

    def __init__(
        self, phases: Sequence[LikelihoodPhase], indices: list[int], means: MeanMetrics
    ) -> None:
        self.indices = indices
        self.means = means
        self._own = [phases[index] for index in indices]
        self._states: list[State] = []

    def loss(self, log_prob: th.Tensor, batches: Sequence[Any]) -> th.Tensor:
        """The sum of the losses of its models, from log pi of the rows of all, (M, ...)."""
        batch = [batches[index] for index in self.indices]
        if all(isinstance(phase, Align) for phase in self._own):
            loss, metrics = self._aligned(log_prob[self.indices], batch)
        else:
            found = [
                phase.loss_of(log_prob[index], own)
                for phase, index, own in zip(self._own, self.indices, batch, strict=True)
            ]
            loss = th.stack([each[0] for each in found])
            names = found[0][1]
            metrics = {name: th.stack([each[1][name] for each in found]) for name in names}
            self._states = [each[2] for each in found]
        self.means.add(metrics)
        return loss.sum()

    def _aligned(
        self, log_prob: th.Tensor, batches: list[PairRows]
    ) -> tuple[th.Tensor, dict[str, th.Tensor]]:
        """One evaluation of the loss for all, by ``torch.func.vmap``."""
        own = [phase for phase in self._own if isinstance(phase, Align)]
        pairs = [
            phase.pair_batch(batch, of_one)
            for phase, batch, of_one in zip(own, batches, log_prob, strict=True)
        ]
        fields = list(zip(*pairs, strict=True))
        absent = [parts[0] is None for parts in fields]  # weights that no such objective has
        stacked = PairBatch(
            *(None if gone else th.stack(parts) for parts, gone in zip(fields, absent, strict=True))  # type: ignore[arg-type]
        )
        axes = PairBatch(*(None if gone else 0 for gone in absent))  # type: ignore[arg-type]
        states = [phase.objective.state() for phase in own]
        state = {name: th.stack([each[name] for each in states]) for name in states[0]}
        loss, metrics, following = vmap(own[0].pair_loss, in_dims=(axes, 0))(stacked, state)
        split = {name: values.unbind() for name, values in following.items()}
        self._states = [{name: split[name][i] for name in split} for i in range(len(own))]
        return loss, {"loss": loss, **metrics}

    def keep(self) -> None:
        for phase, state in zip(self._own, self._states, strict=True):
            phase.keep(state)


def _loss_key(phase: LikelihoodPhase) -> Hashable:
    if not isinstance(phase, Align):
        return phase.name
    has_weights = phase.source.training.weights is not None
    return phase.name, type(phase.objective), phase.objective.signature(), has_weights


def _parameters(optimizer: th.optim.Optimizer) -> list[th.Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]
