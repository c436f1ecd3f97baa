"""Columns of a file, before anybody has said what they mean."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Scalar: TypeAlias = str | int | float | bool

#: ``speed [m/s]``: a name and its unit, as measuring programs head their columns.
_WITH_UNIT = re.compile(r"(.*\S)\s*\[([^\[\]]+)\]\s*")
_INDEX = re.compile(r"\d+")
_NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True, eq=False)
class LogColumn:
    """A column of a table.

    :param values: ``(rows, ...)``; numbers, flags, or texts as objects.
    :param integer: whether the file declares integers, of which some may be missing (NaN here).
    :param unit: such as ``"m/s"``; empty where the file names none.
    :param names: of a vector's coordinates, in their order; empty where the file names none.
    """

    values: Array
    integer: bool = False
    unit: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class RowNames:
    """The names of rows in messages, which do not hold their table.

    :param where: as for :class:`Table`.
    :param row_name: as for :class:`Table`.
    :param number_of: as for :class:`Table`.
    """

    where: str
    row_name: str
    number_of: Callable[[int], int] | None

    def place(self, row: int) -> str:
        """The place of a row.

        :param row: its number, from 0.
        """
        number = row if self.number_of is None else self.number_of(row)
        return f"{self.where}, {self.row_name} {number}"


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of a file, in its order.

    :param where: the file, and the part of it, to begin a message with.
    :param names: of all its columns, in its order.
    :param load: reads a column; a name that is not among ``names`` is not asked for.
    :param row_name: what a row is called in messages, ``"row"`` or ``"line"``.
    :param number_of: the number of a row in messages; None: as it is, from 0.
    :param typed: whether the file tells integers from real numbers that happen to be whole.
    :param attributes: facts about the episode, of a table that is one.
    """

    where: str
    names: tuple[str, ...]
    load: Callable[[str], LogColumn]
    row_name: str = "row"
    number_of: Callable[[int], int] | None = None
    typed: bool = True
    attributes: Mapping[str, Scalar] = field(default_factory=dict)

    def place(self, row: int) -> str:
        """The place of a row, for messages.

        :param row: its number, from 0.
        """
        return self.row_names.place(row)

    @property
    def row_names(self) -> RowNames:
        """The names of its rows, for what outlives it."""
        return RowNames(self.where, self.row_name, self.number_of)


def of_arrays(
    where: str, arrays: Mapping[str, Array], attributes: Mapping[str, Scalar] | None = None
) -> Table:
    """A table of arrays in memory.

    :param where: as for :class:`Table`.
    :param arrays: by the names of their columns.
    :param attributes: as for :class:`Table`.
    """
    return Table(
        where,
        tuple(arrays),
        lambda name: LogColumn(arrays[name], integer=arrays[name].dtype.kind in "iu"),
        attributes=attributes or {},
    )


def split_unit(heading: str) -> tuple[str, str]:
    """The name and the unit in a heading such as ``"speed [m/s]"``.

    :param heading: of a column. An index as in ``"position[0]"`` is no unit.
    """
    found = _WITH_UNIT.fullmatch(heading)
    if found is None or _INDEX.fullmatch(found[2]):
        return heading, ""
    return found[1], found[2].strip()


def natural_key(name: str) -> list[Any]:
    """Sorts ``run_2`` before ``run_10``.

    :param name: of a file or a group.
    """
    return [int(part) if part.isdigit() else part for part in _NUMBER.split(name)]


def is_text(values: Array) -> bool:
    """Whether a column holds texts.

    :param values: of a column.
    """
    return values.dtype.kind in "OUS"


def as_seconds(values: Array) -> npt.NDArray[np.float64]:
    """Times from the first on, which is subtracted before anything is rounded.

    :param values: ``(rows,)``: seconds, or times of NumPy. Integers of nanoseconds are seconds
        only after they were made times.
    """
    if values.dtype.kind in "mM":
        nanoseconds = values.astype(f"{values.dtype.kind}8[ns]").astype(np.int64)
        return np.asarray((nanoseconds - nanoseconds[:1]) / 1e9)
    if values.dtype.kind in "iu":
        whole = values.astype(np.int64)  # differences of small types come round
        return np.asarray(whole - whole[:1], dtype=np.float64)
    return np.asarray(values.astype(np.float64) - values[:1].astype(np.float64))
