"""Spaces of a log: bounds that are given or that the data have, and the types of its numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, TypeAlias

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from sb3_presa.data.checks import Extremes, bound_excess, first_entry, first_true_row, space_bounds
from sb3_presa.data.fault_list import FaultList
from sb3_presa.data.formats.logged_episode import LoggedEpisode, name_of_column
from sb3_presa.data.formats.roles import Chosen
from sb3_presa.data.formats.table import Array
from sb3_presa.errors import ConfigError

#: ``{name or pattern: (low, high)}``; under ``""``, of every action.
Ranges: TypeAlias = Mapping[str, tuple[float, float]]
Kind: TypeAlias = Literal["continuous", "discrete"]
ALL_ACTIONS = ""
_WIDER_OR_CLIP = "give wider bounds, or clip (clip=True, --clip)"


@dataclass(frozen=True)
class LogSpaces:
    """The spaces of a log.

    :param observation: of observations.
    :param action: of actions.
    :param clip: whether values outside are clipped.
    :param notes: what was decided, a sentence each.
    """

    observation: gym.Space[Any]
    action: gym.Space[Any]
    clip: bool
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        episodes: Sequence[LoggedEpisode],
        chosen: Chosen,
        bounds: Ranges,
        kind: Kind | None,
        clip: bool,
        faults: FaultList,
    ) -> "LogSpaces | None":
        """The spaces of some episodes.

        :param episodes: at least one.
        :param chosen: the columns.
        :param bounds: that are given.
        :param kind: of the actions; None: as the files declare their numbers.
        :param clip: whether values outside are to be clipped.
        :param faults: gets what lies outside.
        :return: None where the arrays differ in shape, or a coordinate of actions has no number;
            both are faults.
        :raises ConfigError: if a bound names no column, or the kind of actions must be said.
        """
        if not _alike(episodes, faults):
            return None
        _check_names(bounds, chosen)
        parts: dict[str, gym.Space[Any]] = {
            key: _observed(episodes, key, names, bounds, faults, clip)
            for key, names in chosen.observations.items()
        }
        observation = parts[""] if list(parts) == [""] else spaces.Dict(parts)
        notes: list[str] = []
        action = (
            _discrete(episodes, chosen.actions, bounds, faults)
            if _is_discrete(episodes, chosen, kind)
            else _box(episodes, chosen.actions, bounds, faults, clip, notes)
        )
        if action is None:
            return None
        return cls(observation, action, clip, tuple(notes))

    def observations(self, recorded: Mapping[str, Array]) -> Any:
        """The observations of an episode in the structure and type of their space.

        :param recorded: by the key of a Dict space, ``""`` for one array.
        """
        if not isinstance(self.observation, spaces.Dict):
            return self._fitted(recorded[""], self.observation)
        return {key: self._fitted(recorded[key], part) for key, part in self.observation.items()}

    def actions(self, recorded: Array) -> Array:
        """The actions of an episode in the type of their space.

        :param recorded: as logged.
        """
        if isinstance(self.action, spaces.Discrete):
            return recorded.reshape(len(recorded)).astype(np.int64)
        if isinstance(self.action, spaces.MultiDiscrete):
            return recorded.astype(np.int64)
        return self._fitted(recorded.astype(self.action.dtype), self.action)

    def _fitted(self, values: Array, space: gym.Space[Any]) -> Array:
        if space.dtype == np.uint8 or values.dtype == np.float32:
            wide = values
        else:
            wide = values.astype(np.float64)  # the store packs what float32 tells apart
        if not self.clip or space.dtype == np.uint8:
            return wide
        assert isinstance(space, spaces.Box)
        return np.clip(wide, space.low, space.high).astype(wide.dtype)


def _alike(episodes: Sequence[LoggedEpisode], faults: FaultList) -> bool:
    first = episodes[0]

    def shapes(episode: LoggedEpisode) -> list[tuple[int, ...]]:
        observed = [values.shape[1:] for values in episode.observations.values()]
        return [*observed, episode.actions.shape[1:]]

    for episode in episodes:
        if shapes(episode) != shapes(first):
            faults.add(
                "observations and actions must have one shape in all episodes",
                "choose columns that have, or leave the file out",
                "episodes",
                f"{episode.where}: {shapes(episode)}; {first.where}: {shapes(first)}",
            )
            return False
    return True


def _check_names(bounds: Ranges, chosen: Chosen) -> None:
    names = [*chosen.actions, *(name for part in chosen.observations.values() for name in part)]
    for pattern, (low, high) in bounds.items():
        if not low < high:
            raise ConfigError(
                f"`bounds` must have low < high, got {low:g}:{high:g}"
                + (f" for '{pattern}'" if pattern else "")
            )
        if pattern != ALL_ACTIONS:
            check_named("bounds", pattern, names)


def check_named(option: str, pattern: str, names: Sequence[str]) -> None:
    """
    :param option: what a pattern was given for.
    :param pattern: a name, or a pattern of names.
    :param names: the columns that are read.
    :raises ConfigError: if it fits none of them.
    """
    if not any(fits(name, pattern) for name in names):
        raise ConfigError(
            f"`{option}` must name columns that are read, got '{pattern}'; they are "
            f"{', '.join(names[:20])}"
        )


def fits(name: str, pattern: str) -> bool:
    """
    :param name: name of a column.
    :param pattern: a name, or a pattern of names.
    :return: whether it is meant.
    """
    return name == pattern or fnmatchcase(name, pattern)


def _range(name: str, bounds: Ranges) -> tuple[float, float] | None:
    return next((b for p, b in bounds.items() if p != ALL_ACTIONS and fits(name, p)), None)


def _is_discrete(episodes: Sequence[LoggedEpisode], chosen: Chosen, kind: Kind | None) -> bool:
    integers = all(episode.integer_actions for episode in episodes)
    if kind is not None:
        if kind == "discrete" and not integers:
            raise ConfigError(
                "discrete actions must be whole numbers in columns of integers, got real numbers "
                f"in {', '.join(chosen.actions)}"
            )
        return kind == "discrete"
    if integers and not all(episode.typed_actions for episode in episodes):
        raise ConfigError(
            f"the kind of the actions must be given, for {', '.join(chosen.actions)} hold whole "
            "numbers alone, and the format does not tell choices from amounts: "
            "--actions-are continuous or discrete (kind= in Python)"
        )
    return integers


def _observed(
    episodes: Sequence[LoggedEpisode],
    key: str,
    names: Sequence[str],
    bounds: Ranges,
    faults: FaultList,
    clip: bool,
) -> spaces.Box:
    shape = episodes[0].observations[key].shape[1:]
    if all(episode.observations[key].dtype == np.uint8 for episode in episodes) and len(shape) > 1:
        return spaces.Box(0, 255, shape, np.uint8)
    low, high = np.full(shape, -np.inf), np.full(shape, np.inf)
    _set_given(low, high, names, bounds)
    space = spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)
    name = f"observations '{key}'" if key else "observations"
    arrays = [(episode, episode.observations[key]) for episode in episodes]
    if not clip:
        _check_inside(space_bounds(space), arrays, name, names, faults, _WIDER_OR_CLIP)
    return space


def _set_given(low: Array, high: Array, names: Sequence[str], bounds: Ranges) -> None:
    """Write given bounds in their places, for columns of one number each or for one column."""
    for index, name in enumerate(names):
        given = _range(name, bounds)
        if given is None:
            continue
        if len(names) == 1:
            low[...], high[...] = given
        elif len(names) == low.size:
            low.flat[index], high.flat[index] = given
        else:
            raise ConfigError(
                f"`bounds` must be of columns of one number, or of the only column, got '{name}'"
            )


def _given_actions(
    shape: tuple[int, ...], names: Sequence[str], bounds: Ranges
) -> tuple[Array, Array]:
    """The bounds of actions that are given, NaN where none are."""
    low, high = np.full(shape, np.nan), np.full(shape, np.nan)
    if ALL_ACTIONS in bounds:
        low[...], high[...] = bounds[ALL_ACTIONS]
    _set_given(low, high, names, bounds)
    return low, high


def _box(
    episodes: Sequence[LoggedEpisode],
    names: Sequence[str],
    bounds: Ranges,
    faults: FaultList,
    clip: bool,
    notes: list[str],
) -> spaces.Box | None:
    found = _extremes(episodes)
    kind: Any = np.float64 if found.are_close() else np.float32
    low, high = _given_actions(episodes[0].actions.shape[1:], names, bounds)
    given = ~np.isnan(low)
    if not given.all():
        least, most = (each.astype(kind) for each in found.range())
        constant = (least == most) & ~given
        if constant.any():
            notes.append(
                f"{int(constant.sum())} action coordinates are constant: their bounds are 1 below "
                "and 1 above"
            )
        low = np.where(given, low, np.where(constant, least - 1, least))
        high = np.where(given, high, np.where(constant, most + 1, most))
        notes.append("bounds of actions are taken from the data where none are given")
    if np.isnan(low).any():
        return None
    space = spaces.Box(low.astype(kind), high.astype(kind), dtype=kind)
    if not clip:
        arrays = [(episode, episode.actions) for episode in episodes]
        _check_inside(space_bounds(space), arrays, "actions", names, faults, _WIDER_OR_CLIP)
    return space


def _extremes(episodes: Sequence[LoggedEpisode]) -> Extremes:
    """Of the finite numbers of actions."""
    found = Extremes()
    for episode in episodes:
        values = episode.actions.astype(np.float64)
        found.add(np.where(np.isfinite(values), values, np.nan))
    return found


def _check_inside(
    bounds: tuple[Array, Array],
    arrays: Sequence[tuple[LoggedEpisode, Array]],
    name: str,
    columns: Sequence[str],
    faults: FaultList,
    remedy: str,
) -> None:
    low, high = bounds
    if np.isinf(low).all() and np.isinf(high).all():
        return
    for episode, values in arrays:
        wrong = bound_excess(values, low, high)
        row = first_true_row(wrong)
        if row is not None:
            found, least, most = (first_entry(of, wrong[row]) for of in (values[row], low, high))
            column = name_of_column(columns, int(np.argmax(wrong[row])), wrong[row].size)
            faults.add(
                f"{name} must be within the bounds that are given",
                remedy,
                "steps",
                f"{episode.place(row)}{column}: {found:g} is outside [{least:g}, {most:g}]",
                count=int(wrong.reshape(len(wrong), -1).any(axis=1).sum()),
                episode=episode.where,
            )


def _discrete(
    episodes: Sequence[LoggedEpisode], names: Sequence[str], bounds: Ranges, faults: FaultList
) -> spaces.Discrete | spaces.MultiDiscrete | None:
    least, most = _extremes(episodes).range()
    if np.isnan(least).any():
        return None
    if least.min() < 0:
        where = next(e.where for e in episodes if (e.actions < 0).any())
        faults.add(
            "discrete actions must be at least 0",
            "number the choices from 0 on, or say that they are continuous (--actions-are "
            "continuous, kind= in Python)",
            "",
            f"{where}: {int(least.min())}",
        )
    low, high = _given_actions(least.shape, names, bounds)
    given = np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)
    arrays = [(episode, episode.actions) for episode in episodes]
    # Clipped, one choice would become another
    _check_inside(given, arrays, "actions", names, faults, "give wider bounds")
    choices = np.maximum(np.where(np.isnan(high), most, high), 0).astype(np.int64).ravel() + 1
    if choices.size == 1:
        return spaces.Discrete(int(choices[0]))
    return spaces.MultiDiscrete(choices)
