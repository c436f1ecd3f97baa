"""Check a dataset's numbers: where the first bad one is, and whether float32 tells them apart.

A latitude, a map coordinate or a time changes by little beside its size. In float32 the change is
lost; such numbers stay float64.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from sb3_presa.data.names import name_of
from sb3_presa.errors import DatasetError

if TYPE_CHECKING:
    from sb3_presa.data.transitions import Transitions

Array: TypeAlias = npt.NDArray[Any]

#: How far outside its bound a continuous action may lie, relative to ``max(1, |bound|)``: a few
#: roundings of float32, no more.
BOUND_TOLERANCE = 1e-6
#: Numbers that are checked at a time: what a check makes of them stays in the processor's cache.
_BLOCK_NUMBERS = 2**16
#: Numbers that float32 must tell apart between the smallest and the largest value.
_LEAST_LEVELS = 2**12
#: A coordinate is constant if its range is at most so many roundings of its largest value.
CONSTANT_ROUNDINGS = 4.0
#: A smaller range is rounding at any scale: what Bullet's physics keeps at 0 has one of 1e-12.
LEAST_RANGE = 1e-11
#: What to do about a cost below 0, which would make up for others in a sum.
NEGATIVE_COST = "where it stands for nothing measured, leave the episode out"
#: What to do about pictures that are all the same.
LOG_PICTURES = "log what the camera gives, from below wrappers that scale it"


def check_transitions(transitions: "Transitions") -> None:
    """Refuse numbers that are not finite, and discrete values and actions outside their space.

    :param transitions: what was read.
    :raises DatasetError: naming the dataset, the episode, the step, the value and its bounds.
    """
    observations, space = transitions.observations, transitions.observation_space
    named = observations if isinstance(observations, dict) else {"": observations}
    for key, values in named.items():
        name = f"observation '{key}'" if key else "observation"
        part = space[key] if isinstance(space, spaces.Dict) else space
        _check_finite(transitions, values, name)
        if not isinstance(part, spaces.Box):
            _check_bounds(transitions, values, part, name)
    _check_finite(transitions, transitions.actions, "action")
    _check_bounds(transitions, transitions.actions, transitions.action_space, "action")


def _check_finite(transitions: "Transitions", values: Array, name: str) -> None:
    if values.dtype.kind != "f":
        return
    for start, block in _blocks(values):
        finite = np.isfinite(block)
        if not finite.all():
            row = _first_row(~finite)
            found = first_entry(block[row], ~finite[row])
            raise DatasetError(
                f"{_where(transitions, start + row)}: {name} must be finite, got {found}"
            )


def _check_bounds(
    transitions: "Transitions", values: Array, space: gym.Space[Any], name: str
) -> None:
    low, high = space_bounds(space)
    for start, block in _blocks(values):
        wrong = bound_excess(block, low, high)
        if wrong.any():
            row = _first_row(wrong)
            found, least, most = (first_entry(of, wrong[row]) for of in (block[row], low, high))
            raise DatasetError(
                f"{_where(transitions, start + row)}: {name} must be in [{least}, {most}], got "
                f"{found}"
            )


def _blocks(values: Array) -> Iterator[tuple[int, Array]]:
    """Some rows at a time, with the number of the first; so no check is as large as the data."""
    n_rows = max(1, _BLOCK_NUMBERS // max(1, values[:1].size))
    for start in range(0, len(values), n_rows):
        yield start, values[start : start + n_rows]


def bound_excess(values: Array, low: Array, high: Array) -> npt.NDArray[np.bool_]:
    """The places where values lie outside their bounds, by more than rounding.

    :param values: ``(N, ...)``.
    :param low: the smallest value, of the shape of one row.
    :param high: the largest.
    :return: an array of the shape of ``values``.
    """
    return np.asarray((values < low - _tolerance(low)) | (values > high + _tolerance(high)))


def space_bounds(space: gym.Space[Any]) -> tuple[Array, Array]:
    """The smallest and largest value of each part of a value, both inclusive.

    :param space: a Box, Discrete, MultiDiscrete or MultiBinary space.
    :return: two arrays of the space's shape, float64 for Box and int64 otherwise.
    """
    if isinstance(space, spaces.Box):
        return space.low.astype(np.float64), space.high.astype(np.float64)
    if isinstance(space, spaces.Discrete):
        return np.asarray(space.start, np.int64), np.asarray(space.start + space.n - 1, np.int64)
    if isinstance(space, spaces.MultiBinary):
        return np.zeros(space.shape, np.int64), np.ones(space.shape, np.int64)
    assert isinstance(space, spaces.MultiDiscrete)
    start = np.asarray(space.start, np.int64)
    return start, start + np.asarray(space.nvec, np.int64) - 1


def _tolerance(bound: Array) -> Array:
    if bound.dtype.kind != "f":
        return np.zeros_like(bound)
    finite = np.where(np.isfinite(bound), np.abs(bound), 0.0)
    return np.asarray(BOUND_TOLERANCE * np.maximum(1.0, finite))


def coordinates(
    by_key: Mapping[str, Sequence[int]],
    names: Mapping[str, Sequence[str]] | None = None,
    most: int = 10,
) -> str:
    """The names of coordinates in messages.

    :param by_key: flat indices of some, by key of a Dict space or ``""``.
    :param names: what they are called, by the same key; None: by their numbers.
    :param most: name no more of a key.
    """
    parts = []
    for key, numbers in by_key.items():
        name = f" of '{key}'" if key else ""
        shown = ", ".join(name_of(names or {}, key, number) for number in numbers[:most])
        rest = f" and {len(numbers) - most} more" if len(numbers) > most else ""
        noun = "coordinate" if len(numbers) == 1 else "coordinates"
        parts.append(f"{noun} {shown}{rest}{name}")
    return "; ".join(parts)


def blank_pictures(transitions: "Transitions") -> list[str]:
    """The keys of observations, ``""`` for one without keys, of which all pictures are the same.

    :param transitions: what was read.
    """
    observations = transitions.observations
    named = observations if isinstance(observations, dict) else {"": observations}
    return [
        key
        for key, values in named.items()
        if values.dtype == np.uint8
        and values.ndim > 2
        and all((block == values[0]).all() for _, block in _blocks(values))
    ]


def first_true_row(bad: Array) -> int | None:
    """The first row in which any entry of ``bad`` is true."""
    return _first_row(bad) if bad.any() else None


def _first_row(bad: Array) -> int:
    return int(np.argmax(bad.reshape(len(bad), -1).any(axis=1)))


def first_entry(row: Array, bad: Array) -> Any:
    """The first offending entry of a row, as a plain number.

    :param row: of what was checked.
    :param bad: where it is wrong; of the row's shape, or one to which it can be broadcast.
    """
    return np.broadcast_to(row, bad.shape)[bad].flat[0].item() if bad.ndim else row.item()


def _where(transitions: "Transitions", row: int) -> str:
    index = int(np.searchsorted(transitions.episode_starts, row, side="right")) - 1
    step = row - int(transitions.episode_starts[index])
    return (
        f"dataset '{transitions.dataset_id}', episode {transitions.episode_ids[index]}, step {step}"
    )


def is_wide(dtype: np.dtype[Any]) -> bool:
    """Whether float32 cannot hold all numbers of a type.

    :param dtype: of numbers.
    """
    return not np.can_cast(dtype, np.float32, "safe")


class Extremes:
    """The smallest and the largest value of each coordinate, of rows that come in pieces."""

    def __init__(self) -> None:
        self._low: Array | None = None
        self._high: Array | None = None

    def add(self, rows: Array) -> None:
        """Look at some rows.

        :param rows: ``(N, ...)``, the same ``...`` each time; none may be given. NaN is no number.
        """
        if not len(rows):
            return
        low, high = np.fmin.reduce(rows, axis=0), np.fmax.reduce(rows, axis=0)
        if self._low is not None and self._high is not None:
            low, high = np.fmin(self._low, low), np.fmax(self._high, high)
        self._low, self._high = low, high

    def range(self) -> tuple[Array, Array]:
        """The smallest and the largest number of each coordinate, NaN where there was none.

        :raises ValueError: if there was no row.
        """
        if self._low is None or self._high is None:
            raise ValueError("there must be a row, got none")
        return self._low, self._high

    def are_close(self) -> bool:
        """Whether float32 has few numbers between those of any coordinate that varies."""
        if self._low is None or self._high is None:
            return False
        low, high = self._low.astype(np.float64), self._high.astype(np.float64)
        largest = np.maximum(np.abs(low), np.abs(high))
        with np.errstate(over="ignore", invalid="ignore"):
            step = np.spacing(largest.astype(np.float32)).astype(np.float64)
            spread = high - low
            return bool(((spread > 0) & (spread < _LEAST_LEVELS * step)).any())

    def need_float64(self) -> bool:
        """Whether numbers are close, or beyond the largest of float32."""
        if self._low is None or self._high is None:
            return False
        largest = np.maximum(np.abs(self._low), np.abs(self._high))
        return self.are_close() or bool((largest > np.finfo(np.float32).max).any())

    def constant(self) -> list[int]:
        """The flat indices of the coordinates that hold nothing but rounding."""
        if self._low is None or self._high is None:
            return []
        kind = self._low.dtype
        rounding = float(np.finfo(kind).eps) if kind.kind == "f" else 0.0
        low, high = self._low.astype(np.float64), self._high.astype(np.float64)
        resolution = CONSTANT_ROUNDINGS * rounding * np.maximum(np.abs(low), np.abs(high))
        constant = high - low <= np.maximum(resolution, LEAST_RANGE)
        return np.flatnonzero(constant).tolist()
