"""Episodes in HDF5, read without detours: h5py's low-level calls, straight into arrays at hand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
from h5py import h5a, h5d, h5s
from minari import MinariDataset

from sb3_presa.data.stored import (
    JPEG,
    Array,
    Column,
    Field,
    Pictures,
    may_be_pictures,
    space_parts,
)


class Hdf5Episodes:
    """The HDF5 file of a dataset.

    :param dataset: the open dataset.
    """

    def __init__(self, dataset: MinariDataset) -> None:
        path = Path(dataset.storage.data_path) / "main_data.hdf5"
        self.size = path.stat().st_size
        self._spaces = {
            "observations": space_parts(dataset.observation_space),
            "actions": space_parts(dataset.action_space),
        }
        self._file = h5py.File(path, "r")

    def steps(self, episode: int) -> int:
        """As :meth:`~sb3_presa.data.stored.Storage.steps`; where it says nothing, its actions."""
        group = f"episode_{episode}"
        try:
            attribute = h5a.open(self._file.id, b"total_steps", obj_name=group.encode())
        except KeyError:
            return int(self._table(f"{group}/actions").shape[0])
        value = np.empty(attribute.shape, attribute.dtype)
        attribute.read(value)
        return int(value)

    def columns(self, episode: int, fields: tuple[Field, ...]) -> dict[Field, dict[str, Column]]:
        """As :meth:`~sb3_presa.data.stored.Storage.columns`."""
        found: dict[Field, dict[str, Column]] = {}
        for field in fields:
            path = f"episode_{episode}/{field}"
            if field == "cost":
                path = f"episode_{episode}/infos/cost"
                found[field] = {"": self._table(path)} if path in self._file else {}
            else:
                parts = self._spaces.get(field, {"": None})
                found[field] = {
                    key: _decoded(self._table(f"{path}/{key}" if key else path), space)
                    for key, space in parts.items()
                }
        return found

    def infos(self, episode: int) -> dict[str, Any]:
        """As :meth:`~sb3_presa.data.stored.Storage.infos`."""
        return _nested(self._file.get(f"episode_{episode}/infos", {}))

    def close(self) -> None:
        """As :meth:`~sb3_presa.data.stored.Storage.close`."""
        self._file.close()

    def _table(self, path: str) -> "_Table":
        return _Table(h5d.open(self._file.id, path.encode()))


class _Table:
    """A dataset of the file, in one piece.

    h5py's own objects take twice the time to open, and copy what they read.
    """

    def __init__(self, stored: h5d.DatasetID) -> None:
        self._stored = stored
        self.shape: tuple[int, ...] = stored.shape
        self.dtype: np.dtype[Any] = stored.dtype

    def read(self) -> Array:
        rows = np.empty(self.shape, self.dtype)
        self.read_into(rows)
        return rows

    def read_into(self, rows: Array) -> None:
        self._stored.read(h5s.ALL, h5s.ALL, rows)

    def last(self) -> Array:
        return np.asarray(h5py.Dataset(self._stored)[-1])

    def holds_jpeg(self) -> bool:
        lists = h5py.check_vlen_dtype(self.dtype) == np.uint8 and len(self.shape) == 1
        if not (lists or (self.dtype == np.uint8 and len(self.shape) == 2)) or not self.shape[0]:
            return False
        first: Array = h5py.Dataset(self._stored)[0]
        return first[: len(JPEG)].tobytes() == JPEG


def _nested(group: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _nested(item) if isinstance(item, h5py.Group) else item[()]
        for name, item in group.items()
    }


def _decoded(table: _Table, space: gym.Space[Any] | None) -> Column:
    """Minari has stored pictures as JPEG since 0.5.3, unless asked not to: bytes in a row each."""
    if not may_be_pictures(space) or not table.holds_jpeg():
        return table
    assert space is not None and space.shape is not None
    return Pictures(table.read, (table.shape[0], *space.shape))
