"""The chosen columns of a table, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sb3_presa.data.fault_list import FaultList
from sb3_presa.data.formats.roles import Chosen
from sb3_presa.data.formats.table import Array, LogColumn, Table, is_text

_MOST_TEXT = 40


@dataclass(eq=False)
class Loaded:
    """The chosen columns of a table; all have as many rows as observations.

    :param table: the table.
    :param observations: by the key of a Dict space, ``""`` for one array.
    :param actions: those of rows without one are of no meaning.
    :param integer_actions: whether every action column holds integers.
    :param typed_actions: whether the file says so, and not only its numbers.
    :param without_action: the rows that hold the observation after the last step alone.
    :param single: columns of one value a step, by what they are.
    :param following: the observations after each row, where the table has them.
    :param keep: facts about the episodes, by the column's name.
    """

    table: Table
    observations: dict[str, Array]
    actions: Array
    integer_actions: bool
    typed_actions: bool
    without_action: npt.NDArray[np.bool_]
    single: dict[str, Array]
    following: dict[str, Array]
    keep: dict[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.without_action)


class _Loading:
    """Holds the columns of a table against each other."""

    def __init__(
        self,
        table: Table,
        columns: Mapping[str, LogColumn],
        chosen: Chosen,
        faults: FaultList,
        episode: str | None,
    ) -> None:
        self._table, self._columns, self._chosen, self._faults = table, columns, chosen, faults
        self._episode = episode

    def loaded(self) -> Loaded | None:
        table, columns, chosen = self._table, self._columns, self._chosen
        learnt = [*chosen.actions, *(n for part in chosen.observations.values() for n in part)]
        numeric = [*learnt, *(v for k, v in chosen.single.items() if k != "episode")]
        sound = [self._is_numbers(name, columns[name].values) for name in numeric]
        if not all(sound):  # every column of text is named
            return None
        actions = [columns[name] for name in chosen.actions]
        rows = {len(columns[n].values) for part in chosen.observations.values() for n in part}
        steps = {len(column.values) for column in actions}
        if len(rows) != 1 or len(steps) != 1 or rows.pop() - (n := steps.pop()) not in (0, 1):
            found = ", ".join(f"'{name}' {len(columns[name].values)}" for name in learnt)
            self._faults.add(
                "observations must have T or T + 1 rows where actions have T",
                "mend the rows of the file",
                "episodes",
                f"{table.where}: {found}",
                episode=self._episode,
            )
            return None
        joined = {key: _joined(columns, names) for key, names in chosen.observations.items()}
        n_rows = len(next(iter(joined.values())))
        acted = _padded(_joined(columns, chosen.actions), n_rows)
        missing = np.arange(n_rows) >= n
        if acted.dtype.kind == "f":
            missing = np.isnan(acted.reshape(n_rows, -1)).all(axis=1) | missing
        single, keep = {}, {}
        for role, name in chosen.single.items():
            single[role] = self._as_long(name, columns[name].values, n, n_rows)
        for name in chosen.keep:
            keep[name] = self._as_long(name, columns[name].values, n, n_rows)
        following = self._following(n_rows)
        return Loaded(
            table,
            joined,
            acted,
            integer_actions=all(column.integer for column in actions),
            typed_actions=table.typed or all(c.values.dtype.kind == "b" for c in actions),
            without_action=missing,
            single=single,
            following=following,
            keep=keep,
        )

    def _following(self, rows: int) -> dict[str, Array]:
        """The observations after each row, where every column has one such as ``next_x``."""
        names = {
            key: [f"next_{name}" for name in part]
            for key, part in self._chosen.observations.items()
        }
        wanted = [name for part in names.values() for name in part]
        if not set(wanted) <= set(self._table.names):
            return {}
        columns = {name: self._table.load(name) for name in wanted}
        if any(is_text(column.values) or len(column.values) != rows for column in columns.values()):
            return {}
        return {key: _joined(columns, part) for key, part in names.items()}

    def _is_numbers(self, name: str, values: Array) -> bool:
        if values.dtype.kind in "mM" and name != self._chosen.single.get("time"):
            row, text = 0, str(values.ravel()[0]) if values.size else str(values.dtype)
        elif not is_text(values):
            return True
        else:
            row, text = _first_text(values)
        self._faults.add(
            f"column '{name}' must hold numbers",
            "write numbers in its place, or choose other columns",
            "",
            f"{self._table.place(row)}: '{text[:_MOST_TEXT]}'",
        )
        return False

    def _as_long(self, name: str, values: Array, steps: int, rows: int) -> Array:
        """A value a row, whether there is one for the last observation or not."""
        if len(values) in (steps, rows) and values.size == len(values):
            return _padded(values.reshape(len(values)), rows)
        self._faults.add(
            f"'{name}' must be one value per step",
            "mend the rows of the file, or choose another column",
            "episodes",
            f"{self._table.where}: shape {values.shape} for {steps} steps",
            episode=self._episode,
        )
        return np.zeros(rows)


def load_chosen(
    table: Table,
    columns: Mapping[str, LogColumn],
    chosen: Chosen,
    faults: FaultList,
    *,
    alone: bool,
) -> Loaded | None:
    """
    :param table: a table.
    :param columns: its chosen columns by name.
    :param chosen: the columns by what they are.
    :param faults: gets what is wrong.
    :param alone: whether the table is one episode, which can be left out.
    :return: None where a column is text, or rows do not match.
    """
    return _Loading(table, columns, chosen, faults, table.where if alone else None).loaded()


def _joined(columns: Mapping[str, LogColumn], names: Sequence[str]) -> Array:
    """One array of several columns; of one column, its own shape."""
    arrays = [columns[name].values for name in names]
    if len(arrays) == 1:
        one = arrays[0]
        return _number_type(one[:, None] if one.ndim == 1 else one)
    flat = [_number_type(array).reshape(len(array), -1) for array in arrays]
    return np.concatenate(flat, axis=1)


def _number_type(values: Array) -> Array:
    """Pictures as they are; float16, which nothing computes in, as float32."""
    if values.dtype == np.uint8 and values.ndim > 2:
        return values
    if values.dtype.kind == "f":
        return values.astype(np.float32 if values.dtype.itemsize < 4 else values.dtype)
    return values


def _padded(values: Array, rows: int) -> Array:
    if len(values) == rows:
        return values
    if values.dtype.kind in "OUS":
        return np.append(values.astype(object), [None])
    fill = np.zeros((rows - len(values), *values.shape[1:]), values.dtype)
    if values.dtype.kind == "f":
        fill[:] = np.nan
    return np.concatenate([values, fill])


def _first_text(values: Array) -> tuple[int, str]:
    for row, value in enumerate(values.ravel().tolist()):
        text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        try:
            float(text)
        except ValueError:
            return row, text
    return 0, str(values.ravel()[0])
