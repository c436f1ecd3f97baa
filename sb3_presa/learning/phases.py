"""A run is a list of phases: stretches of gradient steps with one loss each."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any, ClassVar, Protocol

import torch as th

from sb3_presa.learning.losses import LossAndState, State
from sb3_presa.learning.schedules import Rate
from sb3_presa.learning.source import (
    BatchSource,
    sample_rows,
    sample_weighted_rows,
)
from sb3_presa.policies.actor import Actor
from sb3_presa.policies.policy import OfflinePolicy

#: Opens the context in which forward passes of training run.
Autocast = Callable[[], AbstractContextManager[Any]]


class Phase(ABC):
    """
    Gradient steps ``start`` to ``stop`` (excluded) of a run.

    :param start: first step of the phase
    :param stop: step after its last one; training may end before
    :param rates: learning rate at each step, a function of the step
    """

    name: ClassVar[str]
    #: names of the scalars that ``loss`` returns, in the log below ``train/``
    metrics: ClassVar[tuple[str, ...]]
    #: names of what ``enter`` and ``report`` return
    reports: tuple[str, ...] = ()
    #: whether the average of the weights forgets fast at first, as one that acts must
    warms_average_up: ClassVar[bool] = True

    def __init__(self, start: int, stop: int, rates: Rate) -> None:
        self.start = start
        self.stop = stop
        self._rate_at = rates

    @cached_property
    def learning_rates(self) -> Sequence[float]:
        """:return: the learning rate of each step of the phase, from ``start`` on"""
        return [self._rate_at(step) for step in range(self.start, self.stop)]

    def enter(self) -> dict[str, float]:
        """
        Called before the first step of the phase.

        :return: numbers to log once, by their full names
        """
        return {}

    def prepare(self) -> None:  # noqa: B027 - most phases have nothing to prepare
        """Called before the first step that a call of ``learn`` takes of it, after ``enter``."""

    @abstractmethod
    def sample(self, generator: th.Generator) -> Any:
        """
        :param generator: source of randomness
        :return: a minibatch
        """

    @abstractmethod
    def loss(self, batch: Any) -> LossAndState:
        """
        Changes nothing: the next state is kept once the step is taken.

        :param batch: a minibatch
        :return: the loss, scalars to log, and the next state
        """

    def keep(self, state: State) -> None:
        """
        :param state: the next state that the loss returned
        """
        del state

    @property
    @abstractmethod
    def optimizer(self) -> th.optim.Optimizer:
        """:return: what takes the step"""

    def report(self) -> dict[str, float]:
        """
        Called when a log entry is written.

        :return: numbers to log, by their full names
        """
        return {}


class LikelihoodPhase(Phase, ABC):
    """
    A phase whose loss is a function of the likelihood of logged actions, so that many models can
    take its steps together: their networks are evaluated at once, then each its own loss.

    :param start: first step of the phase
    :param stop: step after its last one
    :param rates: learning rate at each step
    :param policy: the policy that is trained
    :param source: what minibatches are drawn from
    :param autocast: context of the forward pass
    """

    def __init__(
        self,
        start: int,
        stop: int,
        rates: Rate,
        *,
        policy: OfflinePolicy,
        source: BatchSource,
        autocast: Autocast,
    ) -> None:
        super().__init__(start, stop, rates)
        self.policy = policy
        self.source = source
        self.autocast = autocast

    @property
    def optimizer(self) -> th.optim.Optimizer:
        return self.policy.optimizer

    @abstractmethod
    def rows_of(self, batch: Any) -> th.Tensor:
        """
        :param batch: a minibatch
        :return: rows of the transitions whose likelihood the loss needs, any shape
        """

    @abstractmethod
    def loss_of(self, log_prob: th.Tensor, batch: Any) -> LossAndState:
        """
        :param log_prob: log pi of the transitions in :meth:`rows_of`, same shape
        :param batch: the minibatch
        :return: as :meth:`loss`
        """


class RowSampler(Protocol):
    """Draws transitions to clone."""

    def draw(self, generator: th.Generator) -> th.Tensor:
        """
        :param generator: source of randomness
        :return: rows of the transitions, (N,)
        """

    def identity(self) -> Sequence[th.Tensor | int]:
        """:return: all that the draws depend on beside the generator"""


class AllRows:
    """
    Transitions, all alike.

    :param n_rows: how many there are
    :param batch_size: how many are drawn
    """

    def __init__(self, n_rows: int, batch_size: int) -> None:
        self.n_rows, self.batch_size = n_rows, batch_size

    def draw(self, generator: th.Generator) -> th.Tensor:
        return sample_rows(self.n_rows, self.batch_size, generator)

    def identity(self) -> Sequence[th.Tensor | int]:
        return [self.n_rows, self.batch_size]


class WeightedRows:
    """
    Transitions in proportion to weights.

    :param weights: weight of each, float64, (N,), not all 0
    :param batch_size: how many are drawn
    """

    def __init__(self, weights: th.Tensor, batch_size: int) -> None:
        self.mass, self.batch_size = weights.cumsum(0), batch_size

    def draw(self, generator: th.Generator) -> th.Tensor:
        return sample_weighted_rows(self.mass, self.batch_size, generator)

    def identity(self) -> Sequence[th.Tensor | int]:
        return [self.mass, self.batch_size]


class SegmentRows:
    """
    Steps of labelled segments: a segment in proportion to its weight times its length, and one of
    its steps uniformly.

    :param source: the data
    :param weights: weight of each segment of the training labels, (S,), not all 0
    :param batch_size: how many steps are drawn
    """

    def __init__(self, source: BatchSource, weights: th.Tensor, batch_size: int) -> None:
        self.source, self.batch_size = source, batch_size
        self.mass = th.cumsum(weights.double() * source.training.lengths, 0)

    def draw(self, generator: th.Generator) -> th.Tensor:
        segments = sample_weighted_rows(self.mass, self.batch_size, generator)
        return self.source.sample_steps(segments, 1, generator).rows.flatten()

    def identity(self) -> Sequence[th.Tensor | int]:
        labels = self.source.training
        return [self.mass, labels.starts, labels.lengths, self.batch_size]


class RowsOfLevels:
    """
    Transitions that are worth imitating at each of several safety levels, level by level, as many
    at each.

    :param source: the data, whose labels have weights at these levels
    :param batch_size: how many transitions are drawn
    """

    #: safety level of each transition that is drawn, (N,)
    levels: th.Tensor

    def __init__(self, source: BatchSource, batch_size: int) -> None:
        weights, levels = source.training.weights, source.training.levels
        assert weights is not None and levels is not None
        sizes = [len(part) for part in th.arange(batch_size).tensor_split(len(levels)) if len(part)]
        self._of_levels = [
            SegmentRows(source, weights[:, level], size) for level, size in enumerate(sizes)
        ]
        n_drawn = th.tensor(sizes, device=levels.device)
        self.levels = levels[: len(sizes)].repeat_interleave(n_drawn)

    def draw(self, generator: th.Generator) -> th.Tensor:
        return th.cat([rows.draw(generator) for rows in self._of_levels])

    def identity(self) -> Sequence[th.Tensor | int]:
        return [self.levels, *(part for rows in self._of_levels for part in rows.identity())]


class Clone(LikelihoodPhase):
    """
    Behaviour cloning: the mean negative log-likelihood of the actions of transitions that something
    draws.

    :param rows: draws the transitions
    :param levels: safety level of each of them, (N,); ``None`` for the policy's own
    :param kwargs: as for :class:`LikelihoodPhase`
    """

    name = "clone"
    metrics = ("cloning_loss",)

    def __init__(
        self, *args: Any, rows: RowSampler, levels: th.Tensor | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.rows, self.levels = rows, levels

    def sample(self, generator: th.Generator) -> th.Tensor:
        return self.rows.draw(generator)

    def rows_of(self, batch: th.Tensor) -> th.Tensor:
        return batch

    def loss(self, batch: th.Tensor) -> LossAndState:
        observations, actions = self.source.gather(batch)
        with self.autocast():
            log_prob = self.policy.actor.log_prob(observations, actions, self.levels)
            return self.loss_of(log_prob, batch)

    def loss_of(self, log_prob: th.Tensor, batch: th.Tensor) -> LossAndState:
        del batch
        loss = -log_prob.mean()
        return loss, {"cloning_loss": loss}, {}


@th.no_grad()
def log_prob_of_all(actor: Actor, source: BatchSource, chunk: int = 16384) -> th.Tensor:
    """
    Log-probabilities of every transition, computed once for the frozen reference.

    :param actor: the reference
    :param source: the data
    :param chunk: transitions at a time
    :return: (N,) float32
    """
    rows = th.arange(source.n_transitions, device=source.device)
    return th.cat([actor.log_prob(*source.gather(part)) for part in rows.split(chunk)])
