"""Models of what follows a step, learnt from logged steps; replays choose one of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import torch as th
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from sb3_presa.completion.features import CUT, Floats
from sb3_presa.evaluation.judge.neighbours import Neighbours, Rows
from sb3_presa.evaluation.judge.observing import Observing

#: Logged steps that neighbours are searched in.
_N_KNOWN: Final = 24_576
#: Networks of an ensemble, their width, and how they are trained.
_N_MEMBERS: Final = 3
_WIDTH: Final = 128
_N_STEPS: Final = 65_536
_N_EPOCHS: Final = 12
_FEWEST_UPDATES: Final = 400
_BATCH: Final = 256
_LEARNING_RATE: Final = 2e-3
#: Changes are cut at this many deviations.
_FURTHEST: Final = 10.0

#: Rows of logged states, (E,), or observations as vectors, (E, d).
State = NDArray[Any]


class StepModel(Protocol):
    """A model of the states that episodes run through."""

    def begin(self, rows: Rows) -> State:
        """
        :param rows: rows of logged states, (E,)
        :return: the states
        """

    def see(self, state: State) -> tuple[Any, Floats]:
        """
        :param state: states of E episodes
        :return: what an agent sees there, and the same as vectors, (E, d)
        """

    def follow(self, state: State, steps: Floats, generator: np.random.Generator) -> State:
        """
        :param state: states of E episodes
        :param steps: the same with the actions taken, (E, d + A)
        :param generator: source of randomness
        :return: the next states
        """


@dataclass(frozen=True, eq=False)
class LoggedStates:
    """
    The next state is the one that followed a logged step like this one: any observation will do.

    :param observing: observations
    :param neighbours: logged steps whose successor is logged
    :param rows: their rows, (M,)
    """

    observing: Observing
    neighbours: Neighbours
    rows: Rows

    def begin(self, rows: Rows) -> State:
        """:meta private:"""
        return rows

    def see(self, state: State) -> tuple[Any, Floats]:
        """:meta private:"""
        return self.observing.at(state), self.observing.vectors(state)

    def follow(self, state: State, steps: Floats, generator: np.random.Generator) -> State:
        """:meta private:"""
        return np.asarray(self.rows[_one_of(self.neighbours.nearest(steps), generator)] + 1)


@dataclass(frozen=True, eq=False)
class _Vectors:
    """
    States are observations as vectors, which say all of them.

    :param observing: observations
    :param low: lowest logged value of each coordinate, (d,)
    :param high: highest logged value, (d,)
    """

    observing: Observing
    low: Floats
    high: Floats

    def begin(self, rows: Rows) -> State:
        """:meta private:"""
        return self.observing.vectors(rows)

    def see(self, state: State) -> tuple[Any, Floats]:
        """:meta private:"""
        return self.observing.of(state), state

    def _moved(self, state: State, change: Floats) -> State:
        return np.asarray(np.clip(state + change, self.low, self.high))


@dataclass(frozen=True, eq=False)
class LoggedChanges(_Vectors):
    """
    The state changes as it did after a logged step like this one.

    :param neighbours: logged steps whose successor is logged
    :param changes: of their observations, (M, d)
    """

    neighbours: Neighbours
    changes: Floats

    def follow(self, state: State, steps: Floats, generator: np.random.Generator) -> State:
        """:meta private:"""
        change = self.changes[_one_of(self.neighbours.nearest(steps), generator)]
        return self._moved(state, change)


@dataclass(frozen=True, eq=False)
class Networks(_Vectors):
    """
    Networks predict the change of the state; an episode has one of them throughout.

    :param members: the networks
    :param mean: of a step, (d + A,)
    :param scale: 1 over its deviation, 0 for what does not vary, (d + A,)
    :param unit: deviation of a change, (d,)
    """

    members: tuple[nn.Module, ...]
    mean: Floats
    scale: Floats
    unit: Floats

    @th.no_grad()
    def follow(self, state: State, steps: Floats, generator: np.random.Generator) -> State:
        """:meta private:"""
        inputs = _standardized(steps, self.mean, self.scale)
        member = np.arange(len(state)) % len(self.members)
        changes = np.stack([network(inputs).numpy() for network in self.members])
        change = changes[member, np.arange(len(state))] * self.unit
        return self._moved(state, change)


def step_models(observing: Observing, rows: Rows, seed: int) -> Iterator[StepModel]:
    """
    :param observing: logged steps
    :param rows: those whose successor is logged, to learn from, at least one
    :param seed: seed of samples and networks
    :return: the models that these data allow
    """
    generator = np.random.default_rng([0x57, seed])
    known = some(rows, _N_KNOWN, generator)
    neighbours = Neighbours.of(_steps(observing, known), observing.action_width)
    if not observing.invertible:
        yield LoggedStates(observing, neighbours, known)
        return
    everything = np.concatenate([observing.vectors(rows), observing.vectors(rows + 1)])
    low, high = everything.min(axis=0), everything.max(axis=0)
    yield LoggedChanges(observing, low, high, neighbours, _changes(observing, known))
    learnt = some(rows, _N_STEPS, generator)
    steps, changes = _steps(observing, learnt), _changes(observing, learnt)
    deviation = steps.std(axis=0)
    varies = deviation > 1e-9
    scale = np.where(varies, 1.0 / np.where(varies, deviation, 1.0), 0.0)
    mean, unit = steps.mean(axis=0), np.maximum(changes.std(axis=0), 1e-12)
    inputs = _standardized(steps, mean, scale)
    targets = th.from_numpy((changes / unit).clip(-_FURTHEST, _FURTHEST).astype(np.float32))
    members = tuple(_trained(inputs, targets, seed + place) for place in range(_N_MEMBERS))
    yield Networks(observing, low, high, members, mean, scale, unit)


def some(rows: Rows, most: int, generator: np.random.Generator) -> Rows:
    """
    :param rows: rows, (N,)
    :param most: how many to keep
    :param generator: source of randomness
    :return: at most so many of them, in order
    """
    if len(rows) <= most:
        return rows
    return np.sort(generator.choice(rows, most, replace=False))


def _trained(inputs: th.Tensor, targets: th.Tensor, seed: int) -> nn.Module:
    with th.random.fork_rng(devices=[]), th.enable_grad():
        th.manual_seed(seed)
        network = nn.Sequential(
            nn.Linear(inputs.shape[1], _WIDTH),
            nn.SiLU(),
            nn.Linear(_WIDTH, _WIDTH),
            nn.SiLU(),
            nn.Linear(_WIDTH, targets.shape[1]),
        )
        n_updates = max(_FEWEST_UPDATES, _N_EPOCHS * len(inputs) // _BATCH)
        optimizer = th.optim.Adam(network.parameters(), _LEARNING_RATE)
        schedule = th.optim.lr_scheduler.OneCycleLR(
            optimizer, _LEARNING_RATE, total_steps=n_updates
        )
        for _ in range(n_updates):
            batch = th.randint(len(inputs), (_BATCH,))
            loss = F.smooth_l1_loss(network(inputs[batch]), targets[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def _one_of(near: Rows, generator: np.random.Generator) -> Rows:
    places = generator.integers(near.shape[1], size=len(near))
    return np.asarray(near[np.arange(len(near)), places])


def _steps(observing: Observing, rows: Rows) -> Floats:
    actions = observing.action_vectors(observing.transitions.actions[rows])
    return np.concatenate([observing.vectors(rows), actions], axis=1)


def _changes(observing: Observing, rows: Rows) -> Floats:
    return np.asarray(observing.vectors(rows + 1) - observing.vectors(rows))


def _standardized(steps: Floats, mean: Floats, scale: Floats) -> th.Tensor:
    return th.from_numpy(((steps - mean) * scale).clip(-CUT, CUT).astype(np.float32))
