"""Episodes in Arrow or Parquet files: a folder each, read whole.

Minari 0.5.4 takes the pieces in which a long table is read for episodes.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.ipc
import pyarrow.parquet
from minari import MinariDataset

from sb3_presa.data.stored import Array, Column, Field, Pictures, may_be_pictures, space_parts
from sb3_presa.errors import DatasetError

#: Rows of a table up to which they lie in the order in which Minari wrote them. pyarrow.dataset
#: writes longer tables in parts of so many rows, by several threads, in any order.
_MOST_ORDERED = 131_072


class ArrowEpisodes:
    """The folders of a dataset.

    :param dataset: the open dataset.
    """

    def __init__(self, dataset: MinariDataset) -> None:
        self._folder, self._format = Path(dataset.storage.data_path), dataset.storage.FORMAT
        self._id = dataset.id
        self.size = sum(path.stat().st_size for path in self._folder.glob("*/*"))
        self._spaces = {
            "observations": space_parts(dataset.observation_space),
            "actions": space_parts(dataset.action_space),
        }

    def steps(self, episode: int) -> int:
        """As :meth:`~sb3_presa.data.stored.Storage.steps`; where it says nothing, its rows."""
        path = self._folder / str(episode) / "metadata.json"
        entries = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if "total_steps" in entries:
            return int(entries["total_steps"])
        rows = [len(_read(path, ["rewards"])) for path in self._paths(episode)]
        return max(0, sum(rows) - 1)

    def columns(self, episode: int, fields: tuple[Field, ...]) -> dict[Field, dict[str, Column]]:
        """As :meth:`~sb3_presa.data.stored.Storage.columns`.

        A table has a row for each observation, and of everything else a last row of padding.
        """
        table = self._table(episode, ["infos" if field == "cost" else field for field in fields])
        found: dict[Field, dict[str, Column]] = {}
        for field in fields:
            if field == "cost":
                infos = table.column("infos") if "infos" in table.column_names else None
                has_cost = infos is not None and _place(infos, "cost") >= 0
                found[field] = {"": _Numbers(_part(infos, "cost"), None)} if has_cost else {}
                continue
            column = table.column(field)
            if field != "observations":
                column = column.slice(0, max(0, len(column) - 1))
            found[field] = {
                key: _decoded(_part(column, key) if key else column, space)
                for key, space in self._spaces.get(field, {"": None}).items()
            }
        return found

    def infos(self, episode: int) -> dict[str, Any]:
        """As :meth:`~sb3_presa.data.stored.Storage.infos`."""
        table = self._table(episode, ["infos"])
        return _nested(table.column("infos")) if "infos" in table.column_names else {}

    def close(self) -> None:
        """As :meth:`~sb3_presa.data.stored.Storage.close`."""

    def _paths(self, episode: int) -> list[Path]:
        paths = sorted((self._folder / str(episode)).glob(f"[!._]*.{self._format}"))
        if not paths:
            raise FileNotFoundError(f"episode {episode} has no file")
        return paths

    def _table(self, episode: int, names: list[str]) -> pa.Table:
        """Some columns, as far as they are there."""
        paths, steps = self._paths(episode), self.steps(episode)
        if self._format == "parquet":  # of which a small file can hold many equal rows
            declared = sum(pa.parquet.read_metadata(path).num_rows for path in paths)
            self._check_rows(episode, steps, declared)
        table = pa.concat_tables(_read(path, sorted({"rewards", *names})) for path in paths)
        self._check_rows(episode, steps, table.num_rows)
        return table

    def _check_rows(self, episode: int, steps: int, rows: int) -> None:
        where = f"dataset '{self._id}', episode {episode}"
        if rows != steps + 1 and (steps, rows) != (0, 0):
            raise DatasetError(
                f"{where}: the table must have {steps + 1} rows, one before each of its {steps} "
                f"steps (`total_steps`) and one after the last, got {rows}"
            )
        if rows > _MOST_ORDERED:
            raise DatasetError(
                f"{where}: an episode in the format {self._format} must have fewer than "
                f"{_MOST_ORDERED:,} steps, got {steps:,}: pyarrow does not keep the order of more "
                "rows that Minari writes. Make the dataset in HDF5"
            )


def _read(path: Path, names: list[str]) -> pa.Table:
    if path.suffix == ".parquet":
        with pa.parquet.ParquetFile(path) as parquet:
            return parquet.read(columns=names, use_threads=False)
    with pa.OSFile(str(path)) as file:
        schema = pa.ipc.open_file(file).schema
        places = sorted({schema.get_field_index(name) for name in names} - {-1})
        options = pa.ipc.IpcReadOptions(included_fields=places, use_threads=False)
        return pa.ipc.open_file(file, options=options).read_all()


class _Numbers:
    """Numbers of a table, which is in memory already.

    :param column: in pieces.
    :param space: whose values they are; a list of numbers has its shape if there are as many.
    """

    def __init__(self, column: pa.ChunkedArray, space: gym.Space[Any] | None) -> None:
        self._pieces = [_numbers(piece) for piece in column.chunks if len(piece)]
        shape = self._pieces[0].shape[1:] if self._pieces else ()
        if (
            space is not None
            and space.shape is not None
            and math.prod(shape) == math.prod(space.shape)
        ):
            shape = space.shape
        self.shape = (len(column), *shape)
        self.dtype: np.dtype[Any] = self._pieces[0].dtype if self._pieces else np.dtype(float)

    def read(self) -> Array:
        rows = np.empty(self.shape, self.dtype)
        self.read_into(rows)
        return rows

    def read_into(self, rows: Array) -> None:
        start = 0
        for piece in self._pieces:
            end = start + len(piece)
            rows[start:end] = piece.reshape(-1, *self.shape[1:])
            start = end

    def last(self) -> Array:
        return np.asarray(self._pieces[-1][-1]).reshape(self.shape[1:])


def _place(column: pa.ChunkedArray, key: str) -> int:
    return int(column.type.get_field_index(key)) if pa.types.is_struct(column.type) else -1


def _part(column: pa.ChunkedArray, key: str) -> pa.ChunkedArray:
    index = _place(column, key)
    if index < 0:
        raise KeyError(f"no column '{key}'")
    return pa.compute.struct_field(column, [index])


def _nested(column: pa.ChunkedArray, metadata: Mapping[bytes, bytes] | None = None) -> Any:
    if pa.types.is_struct(column.type):
        fields = [column.type.field(index) for index in range(column.type.num_fields)]
        return {field.name: _nested(_part(column, field.name), field.metadata) for field in fields}
    if pa.types.is_string(column.type):
        return column.to_pylist()
    numbers = _Numbers(column, None).read()
    shape = (metadata or {}).get(b"shape")  # of an array that Minari flattened
    if shape is None:
        return numbers
    return numbers.reshape(len(column), *(int(axis) for axis in shape.split(b",") if axis))


def _decoded(column: pa.ChunkedArray, space: gym.Space[Any] | None) -> Column:
    if not pa.types.is_binary(column.type) or not may_be_pictures(space):
        return _Numbers(column, space)
    assert space is not None and space.shape is not None
    return Pictures(column.to_pylist, (len(column), *space.shape))


def _numbers(piece: pa.Array) -> Array:
    """``(rows,)`` or, of lists, ``(rows, length)``; a view where the memory allows one."""
    values = piece
    if pa.types.is_list(piece.type) or pa.types.is_large_list(piece.type):
        if len(piece.value_lengths().unique()) > 1:
            raise ValueError("rows differ in length")
        values = piece.flatten()
    elif pa.types.is_fixed_size_list(piece.type):
        values = piece.flatten()
    if piece.null_count or values.null_count:
        raise ValueError("a value is missing")
    numbers = np.asarray(values.to_numpy(zero_copy_only=False))
    return numbers if values is piece else numbers.reshape(len(piece), -1)
