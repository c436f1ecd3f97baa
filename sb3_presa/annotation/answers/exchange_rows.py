"""Rows of CSV and JSON Lines files, with their line numbers."""

import csv
import io
import json
import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from sb3_presa.errors import FeedbackError
from sb3_presa.files import write_text

_DAY_SECONDS = 86400.0
_SUFFIXES = (".csv", ".jsonl")
#: Python itself also accepts 1_000 and digits of other scripts.
_NUMBER = re.compile(r"\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*")


class Line:
    """A line of a file.

    :param path: the file.
    :param number: line number, from 1.
    :param header: line number of the column names; None: this line, as in JSON Lines.
    :param unit: what is numbered, as in messages.
    """

    def __init__(
        self, path: Path, number: int, header: int | None = None, unit: str = "line"
    ) -> None:
        self.path, self.number, self._unit = path, number, unit
        self._header = number if header is None else header

    @property
    def place(self) -> str:
        """File and number, as in messages."""
        return f"{self.path}, {self._unit} {self.number}"

    def refuse_columns(self, constraint: str) -> NoReturn:
        """Raise an error about the names of the columns.

        :param constraint: continues "the columns must".
        :raises FeedbackError: always.
        """
        raise FeedbackError(
            f"{self.path}, {self._unit} {self._header}: the columns must {constraint}"
        )

    def refuse(self, column: str, found: Any, constraint: str) -> NoReturn:
        """Raise an error about a value of this line.

        :param column: its column.
        :param found: the value.
        :param constraint: continues "must be".
        :raises FeedbackError: always.
        """
        raise FeedbackError(f"{self.place}, column '{column}': must be {constraint}, got {found!r}")

    def whole(self, row: Mapping[str, Any], column: str, least: int) -> int | None:
        """The integer of a column, None if it is empty.

        Integers may be written as floats (``3.0``), as spreadsheets and data frames do if a column
        has gaps.

        :raises FeedbackError: for other values, or less than ``least``.
        """
        value = self.number_of(row, column, f"an integer >= {least}")
        if value is None:
            return None
        if value != int(value) or not least <= value < 2**53:
            self.refuse(column, row[column], f"an integer >= {least}")
        return int(value)

    def chance(self, row: Mapping[str, Any], column: str) -> float | None:
        """The probability of a column, None if it is empty.

        :raises FeedbackError: for other values.
        """
        value = self.number_of(row, column, "a number in [0, 1], or empty")
        if value is not None and not 0.0 <= value <= 1.0:
            self.refuse(column, row[column], "a number in [0, 1], or empty")
        return value

    def number_of(
        self, row: Mapping[str, Any], column: str, constraint: str = "a finite number"
    ) -> float | None:
        """The number of a column, None if it is empty.

        :raises FeedbackError: for other values.
        """
        value = row.get(column)
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            try:
                value = float(value)
            except ValueError:
                self.refuse(column, value, constraint)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) >= 2**63:
            self.refuse(column, value, constraint)
        if not math.isfinite(value):
            self.refuse(column, value, constraint)
        return float(value)

    def unix_time(self, row: Mapping[str, Any], column: str) -> float | None:
        """The time of a column, None if it is empty. Milliseconds lie thousands of years ahead.

        :raises FeedbackError: for other values, or beyond tomorrow.
        """
        constraint = "seconds since 1970 (Unix time, UTC), at most until tomorrow"
        value = self.number_of(row, column, constraint)
        if value is not None and value > time.time() + _DAY_SECONDS:
            self.refuse(column, row[column], constraint)
        return value

    def text(self, row: Mapping[str, Any], column: str, otherwise: str) -> str:
        """The text of a column, ``otherwise`` if it is empty.

        :raises FeedbackError: for values that are no text.
        """
        value = row.get(column)
        if not isinstance(value, str | None):
            self.refuse(column, value, "a string")
        return otherwise if value is None else value

    def json(self, row: Mapping[str, Any], column: str, kind: type, constraint: str) -> Any:
        """The JSON value of a column, None if it is empty.

        :param kind: the type that it must have.
        :param constraint: continues "must be".
        :raises FeedbackError: for other values.
        """
        value = row.get(column)
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                self.refuse(column, value, constraint)
        if value is not None and not isinstance(value, kind):
            self.refuse(column, row[column], constraint)
        return value


#: A row, and its line.
Row: TypeAlias = tuple[Line, Mapping[str, Any]]


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a file atomically.

    :param path: ending in ``.csv`` or ``.jsonl``; an existing file is replaced.
    :param columns: the columns, in this order.
    :param rows: None is written as an empty cell, a dictionary or list as JSON.
    :raises FeedbackError: if the file has another ending.
    """
    as_json = _is_json(path)
    file = io.StringIO()
    writer = csv.writer(file)
    if not as_json:
        writer.writerow(columns)
    for row in rows:
        if as_json:
            found = {name: row[name] for name in columns if row.get(name) is not None}
            file.write(json.dumps(found, ensure_ascii=False, allow_nan=False) + "\n")
        else:
            writer.writerow([_cell(row.get(name)) for name in columns])
    write_text(path, file.getvalue())


def _cell(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, allow_nan=False)
    return "" if value is None else str(value)


def read_rows(path: Path, allowed: Sequence[str], required: Sequence[str]) -> Iterator[Row]:
    """Read a file.

    :param path: ending in ``.csv`` or ``.jsonl``.
    :param allowed: the known columns.
    :param required: the required columns.
    :return: its rows; an empty cell is None.
    :raises FeedbackError: if a column is unknown or missing, or the file is empty or damaged.
    """
    empty = True
    for line, row in raw_rows(path):
        empty = False
        for column in row:
            if column not in allowed:
                line.refuse_columns(f"be among {', '.join(allowed)}, got '{column}'")
        for column in required:
            if column not in row:
                line.refuse_columns(f"include '{column}', got {', '.join(row)}")
        yield line, row
    if empty:
        raise FeedbackError(f"{path} must have at least one row, got none")


def raw_rows(path: Path) -> Iterator[Row]:
    """The rows of a file, with any columns.

    :raises FeedbackError: if the file is damaged or has another ending.
    """
    parse = _json_rows if _is_json(path) else _csv_rows
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FeedbackError(
            f"{path} must be UTF-8 text, got an invalid byte at {error.start}"
        ) from error
    yield from parse(path, text)


def _csv_rows(path: Path, text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        header = next(reader, [])
        other = re.search(r"[;\t|]", header[0]) if len(header) == 1 else None
        if other:
            raise FeedbackError(
                f"{path}, line 1: the columns must be separated by ',', got {other[0]!r}"
            )
        if len(set(header)) != len(header):
            twice = next(name for name in header if header.count(name) > 1)
            raise FeedbackError(
                f"{path}, line 1: the columns must be different, got '{twice}' twice"
            )
        line = reader.line_num + 1
        for cells in reader:
            if cells and len(cells) != len(header):
                raise FeedbackError(
                    f"{path}, line {line}: the line must have {len(header)} cells, as the header, "
                    f"got {len(cells)}"
                )
            if cells:
                row = {n: (c if c != "" else None) for n, c in zip(header, cells, strict=True)}
                yield Line(path, line, header=1), row
            line = reader.line_num + 1
    except csv.Error as error:
        raise FeedbackError(f"{path}, line {line}: {error}") from error


def _json_rows(path: Path, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=unique_keys)
        except (ValueError, RecursionError) as error:
            raise FeedbackError(f"{path}, line {number}: invalid JSON: {error}") from error
        if not isinstance(row, dict):
            raise FeedbackError(
                f"{path}, line {number}: the line must be a JSON object, got {line[:40]!r}"
            )
        yield Line(path, number), row


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; for ``object_pairs_hook``.

    :raises ValueError: if a key occurs twice.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def check_ending(path: Path) -> None:
    """Refuse a file whose format nobody can tell.

    :param path: ending in ``.csv`` or ``.jsonl``.
    :raises FeedbackError: if it has another ending.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise FeedbackError(f"the file must end in {' or '.join(_SUFFIXES)}, got {path}")


def _is_json(path: Path) -> bool:
    check_ending(path)
    return path.suffix.lower() == ".jsonl"
