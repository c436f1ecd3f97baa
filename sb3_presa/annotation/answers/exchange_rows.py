"""Rows of CSV and JSON Lines files, and where each of them stands."""

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from sb3_presa.errors import FeedbackError
from sb3_presa.files import atomic_path

_SUFFIXES = (".csv", ".jsonl")
#: Python itself would take 1_000 and digits of other scripts, too.
_NUMBER = re.compile(r"\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*")


class Line:
    """A line of a file.

    :param path: the file.
    :param number: from 1.
    :param header: the line that names the columns; None: this one, as in JSON Lines.
    """

    def __init__(self, path: Path, number: int, header: int | None = None) -> None:
        self.path, self.number = path, number
        self._header = number if header is None else header

    def refuse_column(self, column: str, problem: str) -> NoReturn:
        """Say what is wrong with the name of a column.

        :raises FeedbackError: always.
        """
        raise FeedbackError(f"{self.path}, line {self._header}: the column '{column}' {problem}.")

    def refuse(self, column: str, found: Any, allowed: str) -> NoReturn:
        """Say what is wrong in a column of this line.

        :raises FeedbackError: always.
        """
        raise FeedbackError(
            f"{self.path}, line {self.number}, column '{column}': {found!r}; allowed is {allowed}."
        )

    def whole(self, row: Mapping[str, Any], column: str, least: int) -> int | None:
        """The integer of a column, None where it is empty.

        Integers as spreadsheets and data frames write them where a column has gaps (``3.0``) are
        fine.

        :raises FeedbackError: for anything else, or less than ``least``.
        """
        value = self.number_of(row, column, f"an integer of at least {least}")
        if value is None:
            return None
        if value != int(value) or not least <= value < 2**53:
            self.refuse(column, row[column], f"an integer of at least {least}")
        return int(value)

    def chance(self, row: Mapping[str, Any], column: str) -> float | None:
        """The probability of a column, None where it is empty.

        :raises FeedbackError: for anything else.
        """
        value = self.number_of(row, column, "a number in [0, 1], or empty")
        if value is not None and not 0.0 <= value <= 1.0:
            self.refuse(column, row[column], "a number in [0, 1], or empty")
        return value

    def number_of(
        self, row: Mapping[str, Any], column: str, allowed: str = "a finite number"
    ) -> float | None:
        """The number of a column, None where it is empty.

        :raises FeedbackError: for anything else.
        """
        value = row.get(column)
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            try:
                value = float(value)
            except ValueError:
                self.refuse(column, value, allowed)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) >= 2**63:
            self.refuse(column, value, allowed)
        if not math.isfinite(value):
            self.refuse(column, value, allowed)
        return float(value)


#: A row, and where it stands.
Row: TypeAlias = tuple[Line, Mapping[str, Any]]


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a file, whole or not at all.

    :param path: ending in ``.csv`` or ``.jsonl``; a file that is there is replaced.
    :param columns: what to write of each row, in this order.
    :param rows: None is an empty cell, a dictionary is written as JSON.
    :raises FeedbackError: for another ending.
    """
    as_json = _is_json(path)
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        if not as_json:
            writer.writerow(columns)
        for row in rows:
            if as_json:
                found = {name: row[name] for name in columns if row.get(name) is not None}
                file.write(json.dumps(found, ensure_ascii=False, allow_nan=False) + "\n")
            else:
                writer.writerow([_cell(row.get(name)) for name in columns])


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value, allow_nan=False)
    return "" if value is None else str(value)


def read_rows(path: Path, allowed: Sequence[str], required: Sequence[str]) -> Iterator[Row]:
    """Read a file.

    :param path: ending in ``.csv`` or ``.jsonl``.
    :param allowed: the columns that there may be.
    :param required: the columns that there must be.
    :return: its rows; an empty cell is None.
    :raises FeedbackError: for another column, a file without rows, or one that is damaged.
    """
    empty = True
    for line, row in raw_rows(path):
        empty = False
        for column in row:
            if column not in allowed:
                line.refuse_column(column, f"is unknown; allowed are {', '.join(allowed)}")
        for column in required:
            if column not in row:
                line.refuse_column(column, "is missing")
        yield line, row
    if empty:
        raise FeedbackError(f"{path} has no rows.")


def raw_rows(path: Path) -> Iterator[Row]:
    """The rows of a file, whatever its columns.

    :raises FeedbackError: for a file that is damaged, or has another ending.
    """
    parse = _json_rows if _is_json(path) else _csv_rows
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FeedbackError(f"{path} is no text in UTF-8: byte {error.start}.") from error
    yield from parse(path, text)


def _csv_rows(path: Path, text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        header = next(reader, [])
        other = re.search(r"[;\t|]", header[0]) if len(header) == 1 else None
        if other:
            raise FeedbackError(
                f"{path}, line 1: the columns are separated by {other[0]!r}; allowed is ','."
            )
        if len(set(header)) != len(header):
            twice = next(name for name in header if header.count(name) > 1)
            raise FeedbackError(f"{path}, line 1: the column '{twice}' is there twice.")
        line = reader.line_num + 1
        for cells in reader:
            if cells and len(cells) != len(header):
                raise FeedbackError(
                    f"{path}, line {line}: {len(cells)} cells; the header has {len(header)}."
                )
            if cells:
                row = {n: (c if c != "" else None) for n, c in zip(header, cells, strict=True)}
                yield Line(path, line, header=1), row
            line = reader.line_num + 1
    except csv.Error as error:
        raise FeedbackError(f"{path}, line {line}: {error}.") from error


def _json_rows(path: Path, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=_no_twins)
        except (ValueError, RecursionError) as error:
            raise FeedbackError(f"{path}, line {number}: no JSON: {error}") from error
        if not isinstance(row, dict):
            raise FeedbackError(f"{path}, line {number}: {line[:40]!r}; allowed is an object.")
        yield Line(path, number), row


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _is_json(path: Path) -> bool:
    if path.suffix.lower() not in _SUFFIXES:
        raise FeedbackError(f"{path}: allowed endings are {' and '.join(_SUFFIXES)}.")
    return path.suffix.lower() == ".jsonl"
