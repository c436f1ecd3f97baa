"""Episodes in Arrow or Parquet files: a folder each, read whole.

Minari 0.5.4 takes the pieces in which a long table is read for episodes.
"""

import json
import math
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.dataset
from minari import MinariDataset

from sb3_presa.data.pictures import Pictures, may_be_pictures
from sb3_presa.data.storage import Array, Column, Field, space_parts


class ArrowEpisodes:
    """The folders of a dataset.

    :param dataset: the open dataset.
    """

    def __init__(self, dataset: MinariDataset) -> None:
        self._folder, self._format = Path(dataset.storage.data_path), dataset.storage.FORMAT
        self.size = sum(path.stat().st_size for path in self._folder.glob("*/*"))
        self._spaces = {
            "observations": space_parts(dataset.observation_space),
            "actions": space_parts(dataset.action_space),
        }

    def steps(self, episode: int) -> int:
        """As :meth:`~sb3_presa.data.storage.Storage.steps`; where it says nothing, its rows."""
        path = self._folder / str(episode) / "metadata.json"
        entries = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if "total_steps" in entries:
            return int(entries["total_steps"])
        return int(self._open(episode).count_rows()) - 1

    def columns(self, episode: int, fields: tuple[Field, ...]) -> dict[Field, dict[str, Column]]:
        """As :meth:`~sb3_presa.data.storage.Storage.columns`.

        A table has a row for each observation, and of everything else a last row of padding.
        """
        files = self._open(episode)
        wanted: dict[Field, Any] = {
            field: pa.dataset.field(field) for field in fields if field != "cost"
        }
        if "cost" in fields and _has_cost(files.schema):
            wanted["cost"] = pa.dataset.field("infos", "cost")
        table = files.to_table(wanted, use_threads=False)
        found: dict[Field, dict[str, Column]] = {}
        for field in fields:
            if field not in wanted:
                found[field] = {}
                continue
            column = table.column(field)
            if field not in ("observations", "cost"):
                column = column.slice(0, max(0, len(column) - 1))
            found[field] = {
                key: _decoded(_part(column, key), space)
                for key, space in self._spaces.get(field, {"": None}).items()
            }
        return found

    def close(self) -> None:
        """As :meth:`~sb3_presa.data.storage.Storage.close`."""

    def _open(self, episode: int) -> pa.dataset.Dataset:
        return pa.dataset.dataset(
            self._folder / str(episode),
            format=self._format,
            ignore_prefixes=["_", ".", "metadata.json"],
        )


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


def _has_cost(schema: pa.Schema) -> bool:
    if "infos" not in schema.names:
        return False
    infos = schema.field("infos").type
    return bool(pa.types.is_struct(infos) and infos.get_field_index("cost") >= 0)


def _part(column: pa.ChunkedArray, key: str) -> pa.ChunkedArray:
    if not key:
        return column
    index = column.type.get_field_index(key) if pa.types.is_struct(column.type) else -1
    if index < 0:
        raise KeyError(f"no column '{key}'")
    return pa.compute.struct_field(column, [index])


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
