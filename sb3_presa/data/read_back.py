"""Hold what was written of episodes against what was to be written."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from minari.data_collector import EpisodeBuffer

from sb3_presa.errors import DatasetError

_FIELDS = ("observations", "actions", "rewards", "terminations", "truncations", "infos")
#: HDF5 fills the last chunk of a table up to twice its rows; a packed table has no padding.
_PADDED = 3
#: What HDF5 notes of a table.
_TABLE_BYTES = 10_000


def check_episodes(path: Path, episodes: Sequence[EpisodeBuffer]) -> None:
    """
    Minari and HDF5 report no error where a disk is full.

    :param path: The HDF5 file that Minari wrote, before it is packed.
    :param episodes: What it was given.
    :raises DatasetError: If the file holds anything else.
    """
    with h5py.File(path, "r") as file:
        for index, episode in enumerate(episodes):
            for field in _FIELDS:
                for name, values in _leaves(field, getattr(episode, field)):
                    _compare(file[f"episode_{index}/{name}"], values)


def bytes_needed(episodes: Sequence[EpisodeBuffer]) -> int:
    """
    :param episodes: What is to be written.
    :return: What Minari's file and the packed one take at most, while both are there.
    """
    return sum(
        _TABLE_BYTES + _PADDED * np.asarray(values).nbytes
        for episode in episodes
        for field in _FIELDS
        for _, values in _leaves(field, getattr(episode, field))
    )


def check_packed(source: h5py.File, path: Path) -> None:
    """
    :param source: What was packed.
    :param path: The packed file.
    :raises DatasetError: If a table of it differs by more than its rounding.
    """
    with h5py.File(path, "r") as packed:

        def compare(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                other = packed[name]
                rounded = item[()].astype(other.dtype) if item.dtype != other.dtype else item[()]
                _compare(other, rounded)

        source.visititems(compare)


def _leaves(name: str, data: Any) -> Iterator[tuple[str, Any]]:
    """The tables that Minari makes of nested values."""
    if isinstance(data, list) and data and all(isinstance(row, OrderedDict) for row in data):
        data = {key: [row[key] for row in data] for key in data[0]}
    if isinstance(data, tuple):
        data = {f"_index_{index}": part for index, part in enumerate(data)}
    if isinstance(data, dict):
        for key, part in data.items():
            yield from _leaves(f"{name}/{key}", part)
    elif data is not None:
        yield name, data


def _compare(table: h5py.Dataset, values: Any) -> None:
    found = table.asstr()[()] if h5py.check_string_dtype(table.dtype) else table[()]
    if h5py.check_string_dtype(table.dtype):
        values = [v.decode() if isinstance(v, bytes) else v for v in np.ravel(values)]
        same = np.ravel(found).tolist() == values
    elif h5py.check_vlen_dtype(table.dtype):
        same = all(map(np.array_equal, found, values))
    else:
        values = np.asarray(values)
        numeric = values.dtype.kind in "fc"
        same = np.array_equal(found, values, equal_nan=numeric) and found.shape == values.shape
    if not same:
        raise DatasetError(f"{table.name} differs")
