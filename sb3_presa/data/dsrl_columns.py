"""The columns of a DSRL file: read leniently, with a record of everything that was odd."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np
import numpy.typing as npt

from sb3_presa.data.checks import Extremes, is_wide
from sb3_presa.data.hdf5_sources import find_sources
from sb3_presa.data.stored import most_bytes
from sb3_presa.errors import DatasetError
from sb3_presa.files import explain_unreadable

Array: TypeAlias = npt.NDArray[Any]
Flags: TypeAlias = npt.NDArray[np.bool_]

COLUMNS = (
    "observations",
    "next_observations",
    "actions",
    "rewards",
    "costs",
    "terminals",
    "timeouts",
)


@dataclass
class Oddities:
    """Contents of a file that Minari cannot hold, and columns that the file lacks.

    :param found: ``(what, count, where)`` for each kind; ``where`` names the first places.
    """

    found: list[tuple[str, int, str]] = field(default_factory=list)

    def add(self, what: str, rows: npt.NDArray[np.int64], unit: str = "row") -> None:
        """Note rows (or episodes) of one kind, if there are any."""
        if len(rows):
            named = ", ".join(str(row) for row in rows[:5].tolist())
            more = ", ..." if len(rows) > 5 else ""
            self.found.append((what, len(rows), f"{unit} {named}{more}"))

    def add_missing(self, what: str) -> None:
        """Note a column that is not there."""
        self.found.append((what, 1, ""))

    def describe(self) -> str:
        """One line for each kind."""
        lines = []
        for what, count, where in self.found:
            lines.append(f"  {count} x {what} ({where})" if where else f"  {what}")
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class Columns:
    """A DSRL file in memory: N steps in a row, episode after episode.

    :param observations: ``(N, ...)`` float32, or uint8 images; float64 where float32 would not tell
        the values of a coordinate apart.
    :param next_observations: the same, None if the file has none.
    :param actions: ``(N, ...)`` float32 (or float64, as observations), or ``(N,)`` int64.
    :param rewards: ``(N,)`` float32.
    :param costs: ``(N,)`` float32, None if the file has none.
    :param terminals: ``(N,)`` bool.
    :param timeouts: ``(N,)`` bool.
    """

    observations: Array
    next_observations: Array | None
    actions: Array
    rewards: Array
    costs: Array | None
    terminals: Flags
    timeouts: Flags

    def episode_bounds(self) -> list[tuple[int, int]]:
        """First row and one past the last row of each episode; a tail without a flag is one."""
        ends = np.flatnonzero(self.terminals | self.timeouts) + 1
        if len(ends) == 0 or ends[-1] < len(self.actions):
            ends = np.append(ends, len(self.actions))
        starts = np.concatenate([[0], ends[:-1]])
        return list(zip(starts.tolist(), ends.tolist(), strict=True))


def read_columns(path: Path, oddities: Oddities) -> Columns:
    """Read a file in DSRL's layout; other tables in it are passed over.

    :param path: the HDF5 file.
    :param oddities: gets what is missing.
    :return: its columns.
    :raises DatasetError: if the file cannot be read, has no observations or actions, or its
        columns differ in length.
    """
    if not path.is_file():
        raise DatasetError(f"the file {path} does not exist")
    try:
        with h5py.File(path, "r") as file:
            tables = {
                name: _read_table(path, name, file[name])
                for name in COLUMNS
                if _is_table(file.get(name))
            }
            present = ", ".join(file) or "nothing"
    except (OSError, RuntimeError) as error:
        said = explain_unreadable(error, "cannot be read as HDF5")
        raise DatasetError(f"{path} {said}") from error
    for name in ("observations", "actions"):
        if name not in tables:
            raise DatasetError(f"the file must contain the table '{name}', got {present} ({path})")
    steps = len(tables["actions"])
    for name, table in tables.items():
        if np.ndim(table) == 0 or len(table) != steps or steps == 0:
            raise DatasetError(
                f"table '{name}' must have one row for each of {max(steps, 1)} steps, got shape "
                f"{np.shape(table)} ({path})"
            )
        if table.dtype.kind not in "fiub":
            raise DatasetError(f"table '{name}' must hold numbers, got {table.dtype} ({path})")
    observations = _observations(tables["observations"])
    following = tables.get("next_observations")
    if following is not None and following.size != observations.size:
        raise DatasetError(
            f"'next_observations' must have the shape of 'observations', {observations.shape}, got "
            f"{following.shape} ({path})"
        )
    columns = Columns(
        observations=observations,
        next_observations=(
            None
            if following is None
            else _observations(following).astype(observations.dtype).reshape(observations.shape)
        ),
        actions=_actions(tables["actions"]),
        rewards=_numbers(path, tables, "rewards", np.zeros(steps)),
        costs=_numbers(path, tables, "costs", None),
        terminals=_flags(path, tables, "terminals", steps),
        timeouts=_flags(path, tables, "timeouts", steps),
    )
    consequences = {
        "next_observations": "each episode's last observation is repeated",
        "rewards": "recorded as 0",
        "costs": "imported without costs",
        "terminals": "no step counts as terminal",
        "timeouts": "no step counts as a timeout",
    }
    for name, consequence in consequences.items():
        if name not in tables:
            oddities.add_missing(f"no table '{name}': {consequence}")
    return columns


def find_oddities(columns: Columns, oddities: Oddities) -> Flags:
    """Note the rows that Minari cannot hold, and the episodes that nothing can be learnt from.

    :param columns: the file.
    :param oddities: gets the findings.
    :return: ``(number of episodes,)``, True for those that are left out.
    """
    bounds = columns.episode_bounds()
    ended = columns.terminals | columns.timeouts
    starts = np.asarray([start for start, _ in bounds], dtype=np.int64)
    broken = np.logical_or.reduceat(_not_finite(columns), starts)
    kept = ~np.repeat(broken, np.diff([*starts, len(ended)]))
    following = columns.next_observations
    if following is not None:
        wrong = _bits_differ(following[:-1], columns.observations[1:]) & ~ended[:-1] & kept[:-1]
        oddities.add("next_observations that is not the next observation", np.flatnonzero(wrong))
    if not ended[-1]:
        oddities.add(
            "last episode without an end flag, marked as truncated", np.array([len(ended) - 1])
        )
    oddities.add(
        "step flagged both terminal and timeout",
        np.flatnonzero(columns.terminals & columns.timeouts),
    )
    oddities.add(
        "episode with infinite or missing numbers, left out", np.flatnonzero(broken), "episode"
    )
    return broken


def _is_table(item: object) -> bool:
    return isinstance(item, h5py.Dataset)


def _read_table(path: Path, name: str, table: h5py.Dataset) -> Any:
    size = sum(file.stat().st_size for file in find_sources(path, table))
    if table.nbytes > most_bytes(size):
        raise DatasetError(
            f"table '{name}' must fit into the file of {size:,} bytes, got "
            f"{table.nbytes:,} bytes: the file is damaged ({path})"
        )
    return table[()]


def _observations(table: Array) -> Array:
    table = table[:, None] if table.ndim == 1 else table
    return table if table.dtype == np.uint8 else _as_float32(table)


def _as_float32(table: Array) -> Array:
    """As float32, unless that would not tell the values apart."""
    if is_wide(table.dtype):
        extremes = Extremes()
        extremes.add(table)
        if extremes.are_close():
            return table.astype(np.float64)
    return table.astype(np.float32)


def _actions(table: Array) -> Array:
    if table.dtype.kind in "iu":
        return (table.reshape(len(table)) if table.size == len(table) else table).astype(np.int64)
    return _as_float32(table[:, None] if table.ndim == 1 else table)


def _numbers(path: Path, tables: dict[str, Array], name: str, default: Array | None) -> Any:
    table = tables.get(name, default)
    if table is None:
        return None
    if table.size != len(table):
        raise DatasetError(
            f"table '{name}' must have one number per step, got shape {table.shape} ({path})"
        )
    return table.reshape(-1).astype(np.float32)


def _flags(path: Path, tables: dict[str, Array], name: str, steps: int) -> Flags:
    return np.asarray(_numbers(path, tables, name, np.zeros(steps)) > 0)


def _not_finite(columns: Columns) -> Flags:
    wrong = np.zeros(len(columns.actions), dtype=bool)
    for table in (columns.observations, columns.actions, columns.rewards, columns.costs):
        if table is not None and table.dtype.kind == "f":
            wrong |= ~np.isfinite(table.reshape(len(table), -1)).all(axis=1)
    return wrong


def _bits_differ(one: Array, other: Array) -> Flags:
    """Rows that differ in a bit: 0 and -0 are different, a NaN equals itself."""
    unsigned = np.dtype(f"u{one.dtype.itemsize}")
    differing = np.ascontiguousarray(one).view(unsigned) != np.ascontiguousarray(other).view(
        unsigned
    )
    return np.asarray(differing.any(axis=tuple(range(1, differing.ndim))))
