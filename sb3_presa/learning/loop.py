"""The one loop: the gradient steps of the phases of a run."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import Any

import numpy as np
import torch as th
from stable_baselines3.common.utils import update_learning_rate

from sb3_presa.errors import DivergenceError
from sb3_presa.learning.phases import Phase
from sb3_presa.policies.policy import OfflinePolicy


class TrainingLoop:
    """
    Takes the gradient steps of a run. The minibatch of a step is a function of the seed and of the
    step alone.

    :param phases: the phases, in order, from step 0 to the last step without a gap
    :param policy: whose weights are averaged
    :param seed: gives the seed of the minibatches
    :param generator: source of randomness on the device, seeded anew at every step
    :param max_grad_norm: gradients are clipped to this norm
    :param average_decay: share of the old average of the weights that stays at each step
    """

    def __init__(
        self,
        phases: Sequence[Phase],
        policy: OfflinePolicy,
        seed: Callable[[], int],
        generator: th.Generator,
        max_grad_norm: float,
        average_decay: float,
    ) -> None:
        self.phases = list(phases)
        self.policy = policy
        self._seed, self._generator = seed, generator
        self._max_grad_norm, self._average_decay = max_grad_norm, average_decay
        self._weights: list[th.Tensor] = list(policy.actor.parameters())
        self._average: list[th.Tensor] = list(policy.actor_average.parameters())
        self._phase: Phase | None = None
        self._optimizer: th.optim.Optimizer | None = None
        self._last_finite: int | None = None
        self.metrics = MeanMetrics()

    def enter(self, step: int) -> tuple[Phase, dict[str, float]]:
        """
        :param step: gradient steps taken so far
        :return: the phase of the next step, and what entering it gives to log
        """
        if self._phase is not None and step < self._phase.stop:
            return self._phase, {}
        phase = self._phase = next(phase for phase in self.phases if step < phase.stop)
        entered = phase.enter() if step == phase.start else {}
        phase.prepare()
        self._optimizer = phase.optimizer
        return phase, entered

    def step(self, step: int) -> dict[str, float]:
        """
        One gradient step.

        :param step: gradient steps taken so far
        :return: numbers to log once
        """
        phase, entered = self.enter(step)
        generator = self.seed_generator(step)
        dropping = self.policy.dropout > 0.0
        with self.policy.dropping_out(generator) if dropping else nullcontext():
            loss, metrics, state = phase.loss(phase.sample(generator))
            self._descend(loss, phase.learning_rates[step - phase.start])
        # Only now: a compiled backward pass reads the state that the loss was computed from
        phase.keep(state)
        self.average(phase, step)
        self.metrics.add(metrics)
        return entered

    def seed_generator(self, step: int) -> th.Generator:
        """
        :param step: gradient steps taken so far
        :return: the generator of that step's minibatch
        """
        state = np.random.SeedSequence((self._seed(), step)).generate_state(1)
        self._generator.manual_seed(int(state[0]))
        return self._generator

    @th.no_grad()
    def average(self, phase: Phase, step: int) -> None:
        """
        One step of the running average of the weights. Where the average acts, it forgets faster at
        first: it starts from weights that nobody trained.

        :param phase: the phase of the step
        :param step: gradient steps taken before it
        """
        decay = self._average_decay
        if phase.warms_average_up:
            decay = min(decay, (1 + step) / (10 + step))
        th._foreach_lerp_(self._average, self._weights, 1.0 - decay)

    def _descend(self, loss: th.Tensor, learning_rate: float) -> None:
        optimizer = self._optimizer
        assert optimizer is not None
        update_learning_rate(optimizer, learning_rate)
        optimizer.zero_grad()
        loss.backward()
        if optimizer is self.policy.optimizer and self._max_grad_norm < math.inf:
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            th.nn.utils.clip_grad_norm_(parameters, self._max_grad_norm, foreach=True)
        optimizer.step()

    def entry(self, step: int, metrics: Mapping[str, float]) -> dict[str, float]:
        """
        The contents of a log entry.

        :param step: gradient steps taken so far, at least 1
        :param metrics: means of the phase's metrics since the last entry
        :return: numbers by their full names
        """
        phase = self._phase
        assert phase is not None
        found = {f"train/{name}": value for name, value in metrics.items()}
        return (
            found
            | {"train/learning_rate": phase.learning_rates[step - 1 - phase.start]}
            | phase.report()
        )

    @th.no_grad()
    def check_finite(self, step: int, entry: Mapping[str, float] | None = None) -> None:
        """
        For log entries and the end of a run: a check at every step would wait for the device.

        :param step: gradient steps taken so far
        :param entry: the log entry of that step, to name what is not finite in it
        :raises DivergenceError: if a weight is not finite
        """
        groups = self._optimizer.param_groups if self._optimizer is not None else []
        weights = [p for group in groups for p in group["params"]]
        norms = th.stack(th._foreach_norm([*weights, *self.policy.parameters()]))
        if norms.isfinite().all():
            self._last_finite = step
            return
        since = "" if self._last_finite is None else f" (they were at step {self._last_finite})"
        raise DivergenceError(
            f"the weights must stay finite, got nan or inf at step {step}{since}"
            f"{_losses(entry or {})}. Lower the learning rate, or `max_grad_norm`"
        )

    @cached_property
    def columns(self) -> Sequence[str]:
        """:return: the full names of all that the phases of the run log"""
        return logged_names(self.phases)


def _losses(entry: Mapping[str, float]) -> str:
    """The metrics that are not finite, or the losses where all are, and the learning rate."""
    lost = [name for name, value in entry.items() if not math.isfinite(value)]
    named = lost or [name for name in entry if name.endswith("loss")]
    named += [name for name in ("train/learning_rate",) if name in entry and name not in named]
    return "".join(f"; `{name}` is {entry[name]:.3g}" for name in named)


def logged_names(phases: Sequence[Phase]) -> list[str]:
    """
    :param phases: the phases of a run
    :return: the full names of all that they log
    """
    names: list[str] = []
    for phase in phases:
        names += [f"train/{name}" for name in phase.metrics]
        names += phase.reports
    return list(dict.fromkeys(names))


class MeanMetrics:
    """
    Means over the steps since the last log entry, summed on the device. A step at which a number is
    NaN does not count for it: its minibatch had nothing to take it from.
    """

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._sum = self._steps = th.zeros(0)

    def add(self, metrics: dict[str, th.Tensor]) -> None:
        """
        :param metrics: numbers by name, all of one shape: scalars, or one a model. Other names
            than at the last step begin anew
        """
        names, values = tuple(metrics), th.stack([v.detach().float() for v in metrics.values()])
        if names != self._names:  # another phase logs other metrics
            self._names = names
            self._sum, self._steps = th.zeros_like(values), th.zeros_like(values)
        self._sum += values.nan_to_num(0.0, posinf=th.inf, neginf=-th.inf)
        self._steps += ~values.isnan()

    def pop(self) -> dict[str, Any]:
        """
        :return: the mean of each, a float or a list of them as what was added is, NaN where there
            was nothing to take it from; forgets them
        """
        means = (self._sum / self._steps).tolist()
        self._sum.zero_()
        self._steps.zero_()
        return dict(zip(self._names, means, strict=True))
