"""Every kind of fault of a dataset at once, before anybody labels it.

Training stops at the first fault that it meets. Here all are counted, each kind with its first
places and its remedy. Nothing is changed.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from minari import MinariDataset

from sb3_presa.data.checks import (
    LOG_PICTURES,
    NEGATIVE_COST,
    Extremes,
    bound_excess,
    coordinates,
    first_entry,
    space_bounds,
)
from sb3_presa.data.datasets import DatasetLike, open_episodes, resolve_dataset
from sb3_presa.data.fault_list import MOST_PLACES, Fault, FaultList, Unit
from sb3_presa.data.leaves import Leaf, action_leaf, observation_leaf
from sb3_presa.data.names import coordinate_names, observation_names
from sb3_presa.data.spaces import (
    check_action_space,
    check_observation_space,
    describe_narrow_actions,
)
from sb3_presa.data.stored import (
    Column,
    Field,
    StoredEpisode,
    StoredEpisodes,
    check_rows,
    column_name,
    may_be_pictures,
    space_parts,
)
from sb3_presa.errors import ConfigError, DatasetError

Array: TypeAlias = npt.NDArray[Any]

#: What a reader raises for a file that it cannot read.
_UNREADABLE = (OSError, KeyError, RuntimeError, TypeError, ValueError)

_WRITE_AGAIN = "write the dataset again from its source"
_ROWS = (
    "an episode of T steps has T + 1 observations and T of everything else: add the observation "
    "after the last step, or leave the last step out; correct `total_steps` if the rows are right"
)
_FINITE = "cut the episode before the step, or fill the value in from its neighbours"
_BOUNDS = "clip the values, or write the dataset with a space that holds them"


@dataclass
class DatasetCheck:
    """The faults that :func:`check_dataset` found.

    :param dataset_id: the dataset.
    :param faults: each keeps the dataset, or part of it, from being trained on.
    :param notes: worth knowing; training is possible.
    """

    dataset_id: str
    faults: list[Fault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)


def check_dataset(dataset: DatasetLike) -> DatasetCheck:
    """Look for all faults of a dataset.

    :param dataset: as for :func:`resolve_dataset`; of a filtered dataset, its episodes only.
    :return: faults and notes, each kind once.
    :raises DatasetError: if there is no dataset, or its metadata cannot be read.
    """
    return _Check(resolve_dataset(dataset)).run()


class _Check:
    def __init__(self, dataset: MinariDataset) -> None:
        self.dataset = dataset
        self._faults, self._notes = FaultList(), FaultList()
        self._names = observation_names(dataset)
        self._extremes: dict[Leaf, Extremes] = {}
        self._actions: list[Array] = []
        self._with_steps = 0

    def run(self) -> DatasetCheck:
        leaves = list(self._leaves())
        try:
            with open_episodes(self.dataset) as episodes:
                for episode in episodes.ids:
                    self._episode(episodes, episode, leaves)
        except DatasetError as error:
            self._add("the files must be readable", _WRITE_AGAIN, "", str(error))
        if not self._with_steps and not list(self._faults):
            self._add("at least one episode must have a step", "record some", "")
        self._note_what_is_learnt()
        return DatasetCheck(self.dataset.id, list(self._faults), list(self._notes))

    def _leaves(self) -> Iterator[Leaf]:
        """The arrays whose space is supported; the others are faults."""
        observed, acted = self.dataset.observation_space, self.dataset.action_space
        for key, part in space_parts(observed).items():
            try:
                yield observation_leaf(key, part)
            except DatasetError as error:
                self._add(str(error), "write the dataset with a space of these kinds", "")
            else:
                self._space(check_observation_space, part)
        if not space_parts(observed):
            self._space(check_observation_space, observed)
        try:
            yield action_leaf(acted)
        except DatasetError as error:
            self._add(str(error), "write the dataset with a space of these kinds", "")
        else:
            self._space(check_action_space, acted)

    def _space(self, check: Any, space: gym.Space[Any]) -> None:
        try:
            check(space)
        except ConfigError as error:
            self._add(str(error), "", "")

    def _episode(self, episodes: StoredEpisodes, episode: int, leaves: list[Leaf]) -> None:
        try:
            steps = episodes.steps(episode)
        except _UNREADABLE as error:
            self._add(
                "`total_steps` must be readable and possible",
                _WRITE_AGAIN,
                "episodes",
                f"episode {episode}: {_cause(error)}",
            )
            return
        if not steps:
            self._note("no step, so left out", "", "episodes", f"episode {episode}")
            return
        self._with_steps += 1
        fields: tuple[Field, ...] = ("observations", "actions", "rewards", "terminations", "cost")
        for name in fields:
            try:
                stored = episodes.look(episode, steps, name)
                self._field(stored, name, leaves)
            except _UNREADABLE as error:
                self._add(
                    f"{name} must be there and readable",
                    _WRITE_AGAIN,
                    "episodes",
                    f"episode {episode}: {_cause(error)}",
                )

    def _field(self, stored: StoredEpisode, name: Field, leaves: list[Leaf]) -> None:
        if name in ("observations", "actions"):
            for leaf in leaves:
                if leaf.field == name:
                    self._leaf(stored, leaf)
            return
        column = stored.columns[name].get("")
        if column is None:
            remedy = "synthetic labels and algorithms that read true costs need infos['cost']"
            self._note("no costs", remedy, "episodes", f"episode {stored.id}")
        elif name == "terminations":
            self._terminations(stored, column)
        else:
            self._outcome(stored, name, column)

    def _leaf(self, stored: StoredEpisode, leaf: Leaf) -> None:
        name = column_name(leaf.field, leaf.key)
        if not self._has_rows(stored, leaf.field, leaf.key):
            return
        try:
            column = leaf.column(stored)
        except DatasetError as error:
            kind = f"{name} must be numbers of the shape {leaf.space.shape or ()} per step"
            remedy = "write them in the order of axes that the space has"
            self._add(kind, remedy, "episodes", f"episode {stored.id}: {_cause(error)}")
            return
        values = column.read().reshape(column.shape[0], *(leaf.space.shape or ()))
        named = self._named(leaf)
        if values.dtype.kind == "f":
            wrong = ~np.isfinite(values)
            self._steps(stored, f"{name} must be finite", _FINITE, values, wrong, named)
        wrong, low, high, constraint = leaf.misfits(values)
        if leaf.field == "actions" and leaf.dtype.kind == "f":
            low, high = space_bounds(leaf.space)
            wrong = wrong | bound_excess(values, low, high)
        wrong = wrong & np.isfinite(values)
        where = f"[{_text(low)}, {_text(high)}]"
        self._steps(stored, f"{name} must {constraint} in {where}", _BOUNDS, values, wrong, named)
        whole = values[np.isfinite(values).reshape(len(values), -1).all(axis=1)]
        self._extremes.setdefault(leaf, Extremes()).add(whole)
        if leaf.field == "actions":
            self._actions.append(whole)

    def _named(self, leaf: Leaf) -> Sequence[str]:
        """Names of the coordinates of an array; empty where the dataset has none."""
        names = coordinate_names(self.dataset, "actions")
        if leaf.field == "observations":
            names = self._names.get(leaf.key, ())
        return names if len(names) == math.prod(leaf.space.shape or ()) else ()

    def _has_rows(self, stored: StoredEpisode, name: Field, key: str) -> bool:
        try:
            check_rows(stored, name, key, stored.columns[name][key])
        except DatasetError as error:
            kind = f"{column_name(name, key)} must have as many rows as the steps ask for"
            self._add(kind, _ROWS, "episodes", f"episode {stored.id}: {_cause(error)}")
            return False
        return True

    def _terminations(self, stored: StoredEpisode, column: Column) -> None:
        if self._has_rows(stored, "terminations", ""):
            early = np.flatnonzero(column.read()[:-1])
            if len(early):
                remedy = "check that episodes were not joined"
                place = f"episode {stored.id}, step {early[0]} of {stored.steps}"
                self._note("a termination before the last step", remedy, "episodes", place)

    def _outcome(self, stored: StoredEpisode, name: Field, column: Column) -> None:
        rows = column.shape[0] if column.shape else 1
        kind, most = f"{name} must be one number per step", stored.steps + (name == "cost")
        flat = math.prod(column.shape) == rows and column.dtype.kind in "fiub"
        if not flat or not stored.steps <= rows <= most:
            place = f"episode {stored.id}: {column.dtype} of shape {column.shape}"
            remedy = "add several up, or write the one that counts"
            self._add(kind, remedy, "episodes", place)
            return
        values = column.read().astype(np.float64).reshape(-1)[-stored.steps :]
        self._steps(stored, f"{name} must be finite", _FINITE, values, ~np.isfinite(values))
        if name == "cost":
            wrong = (values < 0) & np.isfinite(values)
            self._steps(stored, "cost must be at least 0", NEGATIVE_COST, values, wrong)

    def _steps(
        self,
        stored: StoredEpisode,
        kind: str,
        remedy: str,
        values: Array,
        wrong: Array,
        names: Sequence[str] = (),
    ) -> None:
        rows = np.flatnonzero(wrong.reshape(len(wrong), -1).any(axis=1))
        for row in rows[:MOST_PLACES].tolist():
            when = f"step {row}" if row < stored.steps else "after the last step"
            found = first_entry(values[row], wrong[row])
            named = f", {names[int(np.argmax(wrong[row]))]}" if names else ""
            self._add(kind, remedy, "steps", f"episode {stored.id}, {when}{named}: {found}")
        if len(rows) > MOST_PLACES:
            self._faults.add(kind, remedy, "steps", count=len(rows) - MOST_PLACES)

    def _note_what_is_learnt(self) -> None:
        for leaf, extremes in self._extremes.items():
            shape = leaf.space.shape or ()
            if may_be_pictures(leaf.space) and len(extremes.constant()) == math.prod(shape):
                place = f"'{leaf.key}'" if leaf.key else ""
                self._note("every picture is the same, so not learnt from", LOG_PICTURES, "", place)
        constant = {
            leaf.key: numbers
            for leaf, extremes in self._extremes.items()
            if leaf.field == "observations"
            and leaf.dtype.kind == "f"
            and (numbers := extremes.constant())
        }
        if constant:
            remedy = "where they should vary, store them as float64"
            place = coordinates(constant, self._names)
            self._note("constant observations, so not learnt from", remedy, "", place)
        try:
            narrow = describe_narrow_actions(
                np.concatenate(self._actions),
                self.dataset.action_space,
                coordinate_names(self.dataset, "actions"),
            )
        except ValueError:  # none, or of several shapes, which are faults
            return
        if narrow:
            remedy = (
                "write the bounds that actions have, or train with `action_quantile`, which cuts "
                "what lies beyond"
            )
            self._note("actions fill a small part of their bounds", remedy, "", narrow)

    def _add(self, kind: str, remedy: str, unit: Unit, place: str = "") -> None:
        self._faults.add(kind, remedy, unit, place)

    def _note(self, kind: str, remedy: str, unit: Unit, place: str = "") -> None:
        self._notes.add(kind, remedy, unit, place)


def _cause(error: Exception) -> str:
    """A message without the dataset and episode that it begins with."""
    text = " ".join(str(error).split())
    return text.partition(": ")[2] if text.startswith("dataset '") else text


def _text(bound: Array) -> str:
    """One number where all are alike, else the first few."""
    numbers = [f"{number:g}" for number in bound.ravel().tolist()]
    if len(set(numbers)) == 1:
        return numbers[0]
    return f"({', '.join(numbers[:6])}{', ...' if len(numbers) > 6 else ''})"
