"""Check a dataset's numbers, and say where the first bad one is."""

from typing import TYPE_CHECKING, Any, TypeAlias

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from sb3_presa.errors import DatasetError

if TYPE_CHECKING:
    from sb3_presa.data.transitions import Transitions

Array: TypeAlias = npt.NDArray[Any]

#: How far outside its bound a continuous action may lie, relative to ``max(1, |bound|)``: a few
#: roundings of float32, no more.
BOUND_TOLERANCE = 1e-6


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
        if isinstance(part, spaces.Discrete | spaces.MultiDiscrete):
            _check_bounds(transitions, values, part, name)
    _check_finite(transitions, transitions.actions, "action")
    _check_bounds(transitions, transitions.actions, transitions.action_space, "action")


def _check_finite(transitions: "Transitions", values: Array, name: str) -> None:
    if values.dtype.kind != "f":
        return
    wrong = ~np.isfinite(values)
    row = first_true_row(wrong)
    if row is not None:
        found = _first_entry(values[row], wrong[row])
        raise DatasetError(f"{_where(transitions, row)}: {name} {found} is not finite.")


def _check_bounds(
    transitions: "Transitions", values: Array, space: gym.Space[Any], name: str
) -> None:
    low, high = space_bounds(space)
    wrong = bound_excess(values, low, high)
    row = first_true_row(wrong)
    if row is not None:
        found, least, most = (_first_entry(of, wrong[row]) for of in (values[row], low, high))
        raise DatasetError(
            f"{_where(transitions, row)}: {name} {found} is outside its space; allowed there is "
            f"[{least}, {most}]."
        )


def bound_excess(values: Array, low: Array, high: Array) -> npt.NDArray[np.bool_]:
    """Where values lie outside their bounds, by more than rounding.

    :param values: ``(N, ...)``.
    :param low: the smallest that is allowed, of the shape of one row.
    :param high: the largest.
    :return: an array of the shape of ``values``.
    """
    return np.asarray((values < low - _tolerance(low)) | (values > high + _tolerance(high)))


def space_bounds(space: gym.Space[Any]) -> tuple[Array, Array]:
    """The smallest and largest value of each part of a value, both inclusive.

    :param space: a Box, Discrete or MultiDiscrete space.
    :return: two arrays of the space's shape, float64 for Box and int64 otherwise.
    """
    if isinstance(space, spaces.Box):
        return space.low.astype(np.float64), space.high.astype(np.float64)
    if isinstance(space, spaces.Discrete):
        return np.asarray(space.start, np.int64), np.asarray(space.start + space.n - 1, np.int64)
    assert isinstance(space, spaces.MultiDiscrete)
    start = np.asarray(space.start, np.int64)
    return start, start + np.asarray(space.nvec, np.int64) - 1


def _tolerance(bound: Array) -> Array:
    if bound.dtype.kind != "f":
        return np.zeros_like(bound)
    finite = np.where(np.isfinite(bound), np.abs(bound), 0.0)
    return np.asarray(BOUND_TOLERANCE * np.maximum(1.0, finite))


def first_true_row(bad: Array) -> int | None:
    """The first row in which any entry of ``bad`` is true."""
    rows = bad.reshape(len(bad), -1).any(axis=1)
    return int(np.argmax(rows)) if rows.any() else None


def _first_entry(row: Array, bad: Array) -> Any:
    """The first offending entry of a row, as a plain number."""
    return np.broadcast_to(row, bad.shape)[bad].flat[0].item() if bad.ndim else row.item()


def _where(transitions: "Transitions", row: int) -> str:
    index = int(np.searchsorted(transitions.episode_starts, row, side="right")) - 1
    step = row - int(transitions.episode_starts[index])
    return (
        f"Dataset '{transitions.dataset_id}', episode {transitions.episode_ids[index]}, step {step}"
    )
