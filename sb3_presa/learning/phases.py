"""A run is a list of phases: stretches of gradient steps with one loss each."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Protocol

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


class Cloning(LikelihoodPhase, ABC):
    """Behaviour cloning: the mean negative log-likelihood of logged actions."""

    name = "clone"
    metrics = ("cloning_loss",)

    def levels_of(self, batch: Any) -> th.Tensor | None:
        """
        :param batch: a minibatch
        :return: safety level of each of its rows, (N,); ``None`` for the policy's own
        """
        del batch
        return None

    def loss(self, batch: Any) -> LossAndState:
        observations, actions = self.source.gather(self.rows_of(batch))
        with self.autocast():
            log_prob = self.policy.actor.log_prob(observations, actions, self.levels_of(batch))
            return self.loss_of(log_prob, batch)

    def loss_of(self, log_prob: th.Tensor, batch: Any) -> LossAndState:
        del batch
        loss = -log_prob.mean()
        return loss, {"cloning_loss": loss}, {}


class Clone(Cloning):
    """
    Cloning of the transitions that something draws.

    :param rows: draws the transitions
    :param kwargs: as for :class:`LikelihoodPhase`
    """

    def __init__(self, *args: Any, rows: RowSampler, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = rows

    def sample(self, generator: th.Generator) -> th.Tensor:
        return self.rows.draw(generator)

    def rows_of(self, batch: th.Tensor) -> th.Tensor:
        return batch


class LevelRows(NamedTuple):
    """Transitions to clone, each at a safety level."""

    rows: th.Tensor  #: rows of the transitions, (N,)
    levels: th.Tensor  #: safety level of each, (N,)


class CloneAtLevels(Cloning):
    """
    Cloning of what is worth imitating at each of several safety levels, by one network
    that sees the level. As many transitions are drawn for each level.

    :param batch_size: how many transitions are drawn
    :param everything: clone all transitions alike, at every level
    :param kwargs: as for :class:`LikelihoodPhase`
    """

    def __init__(
        self, *args: Any, batch_size: int, everything: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        labels = self.source.training
        assert labels.weights is not None and labels.levels is not None
        n_levels = len(labels.levels)
        sizes = [len(part) for part in th.arange(batch_size).tensor_split(n_levels) if len(part)]
        self._samplers: list[RowSampler] = [
            AllRows(self.source.n_transitions, size)
            if everything
            else SegmentRows(self.source, labels.weights[:, column], size)
            for column, size in enumerate(sizes)
        ]
        sizes_on_device = th.tensor(sizes, device=labels.levels.device)
        self._levels = labels.levels[: len(sizes)].repeat_interleave(sizes_on_device)

    def sample(self, generator: th.Generator) -> LevelRows:
        drawn = [sampler.draw(generator) for sampler in self._samplers]
        return LevelRows(th.cat(drawn), self._levels)

    def rows_of(self, batch: LevelRows) -> th.Tensor:
        return batch.rows

    def levels_of(self, batch: LevelRows) -> th.Tensor:
        return batch.levels


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
