"""CSV, Parquet and Feather (Arrow) files, and tables of pandas and pyarrow: read by pyarrow."""

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sb3_presa.data.formats.format import Options, Reading
from sb3_presa.data.formats.library import require
from sb3_presa.data.formats.roles import Roles
from sb3_presa.data.formats.table import Array, LogColumn, Table, natural_key, split_unit
from sb3_presa.data.stored import most_bytes
from sb3_presa.errors import DatasetError

#: In the metadata of a table: names of columns by the key of a Dict space, as JSON.
OBSERVED = b"sb3_presa.observations"
_TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
_MAGIC = {b"PAR1": "parquet", b"ARROW1": "feather", b"FEA1": "feather"}
_SEPARATORS = (",", ";", "\t")
#: Numbers that are surely with a decimal comma (1,234 may be a thousand), and with a point.
_COMMA = re.compile(r"[+-]?(0,\d+|\d+,(\d{1,2}|\d{4,}))([eE][+-]?\d+)?")
_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
#: Characters of a value of a CSV file. Python's own limit is 131,072, and pyarrow has none.
_LONGEST_VALUE = 2**31 - 1


class ArrowFiles:
    """Tables in files.

    :param name: ``"csv"``, ``"parquet"`` or ``"feather"``.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def recognises(self, path: Path) -> bool:
        """As :meth:`~sb3_presa.data.formats.format.Format.recognises`."""
        if path.is_dir():
            return False
        with path.open("rb") as file:
            head = file.read(1024)
        found = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
        if self.name != "csv":
            return found == self.name
        packed = head.startswith(b"\x1f\x8b") and ".csv" in path.suffixes
        text = b"\0" not in head and path.suffix.lower() in _TEXT_SUFFIXES
        return found is None and (packed or text)

    def read(self, path: Path, where: str, options: Options) -> Reading:
        """As :meth:`~sb3_presa.data.formats.format.Format.read`."""
        pa = require("pyarrow", "tables")
        try:
            table = {"csv": _read_csv, "parquet": _read_parquet, "feather": _read_feather}[
                self.name
            ](path)
            if self.name == "csv":
                return Reading([arrow_table(table, where, line_of=_lines_of(path))])
            return Reading([arrow_table(table, where)], _declared(table))
        except UnicodeDecodeError as error:
            raise DatasetError(
                f"{path} must be text in UTF-8, but is not: {error}; save it in that encoding"
            ) from error
        except (pa.ArrowException, OSError, ValueError) as error:
            if isinstance(error, DatasetError):
                raise
            raise DatasetError(f"{path} cannot be read as {self.name}: {error}") from error


def _declared(table: Any) -> Roles:
    """The parts of a Dict space that a table was written from, if it still has their columns."""
    parts = json.loads((table.schema.metadata or {}).get(OBSERVED, b"{}"))
    names = {name for part in parts.values() for name in part}
    return Roles(observations=parts if parts and names <= set(table.column_names) else None)


def arrow_table(table: Any, where: str, *, line_of: Callable[[int], int] | None = None) -> Table:
    """A table of pyarrow.

    :param table: a :class:`pyarrow.Table`.
    :param where: its file, for messages.
    :param line_of: the line of a row in a file of text, whose numbers have no declared type.
    :raises DatasetError: if two columns have one name.
    """
    headings = [split_unit(heading.strip()) for heading in table.column_names]
    names = [name for name, _ in headings]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DatasetError(f"columns must have different names, got {twice} twice ({where})")

    def load(name: str) -> LogColumn:
        index = names.index(name)
        metadata = table.schema.field(index).metadata or {}
        unit = metadata.get(b"unit", metadata.get(b"units", b"")).decode(errors="replace")
        try:
            return arrow_column(table.column(index), unit or headings[index][1])
        except ValueError as error:
            raise DatasetError(f"{where}, column '{name}': {error}") from error

    row_name = "row" if line_of is None else "line"
    return Table(where, tuple(names), load, row_name, line_of, typed=line_of is None)


def arrow_column(column: Any, unit: str = "") -> LogColumn:
    """The numbers of a column, in memory of their own.

    :param column: a :class:`pyarrow.ChunkedArray`.
    :param unit: of its numbers.
    :return: with NaN where a number is missing.
    :raises ValueError: for lists that differ in length, or in which a list is missing, and for
        types that hold no numbers.
    """
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):  # by its values: an order of categories is not kept in Parquet
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return LogColumn(_lists(column), pa.types.is_integer(_innermost(kind)), unit)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view():
        return LogColumn(np.asarray(column.to_pylist(), dtype=object), unit=unit)
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        if column.null_count:
            raise ValueError("a time is missing")
        return LogColumn(np.array(column.to_numpy()), unit=unit)
    if pa.types.is_null(kind):
        return LogColumn(np.full(len(column), np.nan), unit=unit)
    if pa.types.is_decimal(kind):
        column, kind = column.cast(pa.float64()), pa.float64()
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        raise ValueError(f"it must hold numbers, got {kind}")
    whole = pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    # A chunk's own memory would be read-only, and chunks may differ in what they lack
    parts = [np.array(part.to_numpy(zero_copy_only=False)) for part in column.chunks]
    if column.null_count:
        parts = [_with_gaps(part) for part in parts]
    values = np.concatenate(parts) if parts else np.empty(0)
    return LogColumn(values, whole, unit)


def _with_gaps(part: Array) -> Array:
    """Flags and integers that are missing come as objects."""
    return part.astype(np.float64)


def _innermost(kind: Any) -> Any:
    while hasattr(kind, "value_type"):
        kind = kind.value_type
    return kind


def _lists(column: Any) -> Array:
    """``(rows, length, ...)``, NaN where a row has no list; lists in lists must all be there."""
    import pyarrow as pa

    whole = column.combine_chunks()
    there = np.asarray(whole.is_valid())
    values = whole.drop_null() if there.any() else whole
    rows = len(values)
    shape: list[int] = []
    while hasattr(values.type, "value_type"):
        if values.null_count:
            raise ValueError(f"a list is missing in {values.null_count} rows")
        if pa.types.is_fixed_size_list(values.type):
            shape.append(values.type.list_size)
        else:
            lengths = values.value_lengths().unique().to_pylist()
            if len(lengths) > 1:
                raise ValueError(
                    f"lists must have one length, got {min(lengths)} to {max(lengths)}"
                )
            shape.append(lengths[0] if lengths else 0)
        values = values.flatten()
    flat = arrow_column(pa.chunked_array([values]))
    if flat.values.dtype.kind == "O":
        raise ValueError("lists must hold numbers, got text")
    found = flat.values.reshape(rows, *shape)
    if there.all():
        return found
    padded = np.full((len(whole), *shape), np.nan)
    padded[there] = found
    return padded


def _read_csv(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.csv

    separator, decimal_point = _dialect(path)

    def read(threads: bool) -> Any:
        return pyarrow.csv.read_csv(
            str(path),
            read_options=pyarrow.csv.ReadOptions(use_threads=threads),
            parse_options=pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                strings_can_be_null=True, decimal_point=decimal_point
            ),
        )

    try:
        return read(threads=True)
    except pa.ArrowInvalid:
        return read(threads=False)  # only so does the error name the row


class _Dialect(NamedTuple):
    """The marks in a CSV file: 1.5,2 or, where a comma stands within numbers, 1,5;2."""

    separator: str
    decimal_point: str


def _dialect(path: Path) -> _Dialect:
    import pyarrow as pa

    with pa.input_stream(str(path)) as stream:  # unpacks .gz by the name
        head = stream.read(65536).decode("utf-8-sig", errors="replace").splitlines()
    if not any(head):
        raise ValueError("it is empty")
    heading, *rows = filter(None, head)
    separator = max(_SEPARATORS, key=heading.count)
    values = [value.strip() for line in rows for value in line.split(separator)]
    commas = any(map(_COMMA.fullmatch, values)) and not any(map(_POINT.fullmatch, values))
    return _Dialect(separator, "," if commas and separator != "," else ".")


def _lines_of(path: Path) -> Callable[[int], int]:
    """The line at which a row ends: there may be empty lines, and values of several lines.

    The file is read again for the first row that is asked for, and not for each.
    """
    import pyarrow as pa

    @cache
    def lines() -> Array:
        longest = csv.field_size_limit(_LONGEST_VALUE)
        try:
            with io.TextIOWrapper(pa.input_stream(str(path)), "utf-8-sig", newline="") as text:
                records = csv.reader(text, delimiter=_dialect(path).separator)
                return np.fromiter((records.line_num for record in records if record), np.int64)
        finally:
            csv.field_size_limit(longest)

    return lambda row: int(lines()[row + 1])


def read_parquet(path: Path, names: Sequence[str] | None = None) -> Any:
    """A table of a Parquet file.

    :param path: the file.
    :param names: its columns that are read; None: all.
    :raises DatasetError: if it cannot be read, or declares more than it can hold.
    """
    import pyarrow as pa
    import pyarrow.parquet

    try:
        return _read_parquet(path, names)
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(f"{path} cannot be read as parquet: {error}") from error


def _read_parquet(path: Path, names: Sequence[str] | None = None) -> Any:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        metadata, size = file.metadata, path.stat().st_size
        if 8 * metadata.num_rows * metadata.num_columns > most_bytes(size):
            raise DatasetError(
                f"{path} must fit a file of {size:,} bytes, got {metadata.num_rows:,} rows of "
                f"{metadata.num_columns} columns: it is damaged"
            )
        lacking = sorted(set(names or ()) - set(file.schema_arrow.names))
        if lacking:
            raise DatasetError(f"{path} must have the columns {lacking}, but lacks them")
        return file.read(columns=names, use_threads=False)


def _read_feather(path: Path) -> Any:
    import pyarrow.feather

    return pyarrow.feather.read_table(path, use_threads=False, memory_map=False)


def in_order(paths: list[Path]) -> list[Path]:
    """Files as people number them.

    :param paths: in any order.
    """
    return sorted(paths, key=lambda path: natural_key(path.name))
