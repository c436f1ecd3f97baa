"""HDF5 files of arrays: D4RL's and DSRL's layout, a group per episode, and robomimic's."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sb3_presa.data.formats.format import Options, Reading
from sb3_presa.data.formats.roles import USUAL, Roles
from sb3_presa.data.formats.table import LogColumn, Scalar, Table, natural_key
from sb3_presa.data.hdf5_sources import find_sources
from sb3_presa.data.stored import most_bytes
from sb3_presa.errors import ConfigError, DatasetError
from sb3_presa.files import explain_unreadable

_ERRORS = (OSError, RuntimeError, KeyError, TypeError, ValueError, UnicodeDecodeError)
#: The longest text of an attribute that is kept; models of simulators are longer.
_MOST_TEXT = 10_000


class Hdf5Arrays:
    """Arrays at the root, one row a step, or a group of arrays for each episode."""

    name = "hdf5"

    def recognises(self, path: Path) -> bool:
        """As :meth:`~sb3_presa.data.formats.format.Format.recognises`."""
        return path.is_file() and bool(h5py.is_hdf5(path))

    def read(self, path: Path, where: str, options: Options) -> Reading:
        """As :meth:`~sb3_presa.data.formats.format.Format.read`."""
        with _opened(path) as file:
            if any(isinstance(item, h5py.Dataset) for item in file.values()):
                return Reading([_table(path, file, where)])
            groups = sorted(file, key=natural_key)
            if not groups:
                raise DatasetError(f"{path} must hold arrays, got none")
            tables = [_table(path, file[name], f"{where}, {name}") for name in groups]
        return Reading(tables, several=False)


class Robomimic:
    """robomimic's files: ``data/demo_N`` with ``obs``, and filter keys in ``mask``."""

    name = "robomimic"

    def recognises(self, path: Path) -> bool:
        """As :meth:`~sb3_presa.data.formats.format.Format.recognises`."""
        if not path.is_file() or not h5py.is_hdf5(path):
            return False
        with _opened(path) as file:
            data = file.get("data")
            return isinstance(data, h5py.Group) and any(n.startswith("demo") for n in data)

    def read(self, path: Path, where: str, options: Options) -> Reading:
        """As :meth:`~sb3_presa.data.formats.format.Format.read`."""
        with _opened(path) as file:
            return _read_demos(path, where, file, options.split)


def _read_demos(path: Path, where: str, file: h5py.File, split: str | None) -> Reading:
    data = file["data"]
    splits = {key: [_text(name) for name in item[()]] for key, item in file.get("mask", {}).items()}
    if split is not None and split not in splits:
        raise ConfigError(
            f"`split` must be a filter key of {path}, got '{split}'; it has "
            f"{', '.join(splits) or 'none'}"
        )
    names = sorted(data if split is None else splits[split], key=natural_key)
    missing = [name for name in names if name not in data]
    if missing or not names:
        raise DatasetError(f"{path} must hold the demonstrations of '{split}', but lacks {missing}")
    tables = []
    for name in names:
        facts: dict[str, Scalar] = {"demo": name}
        if inside := [key for key, demos in splits.items() if name in demos]:
            facts["splits"] = ",".join(inside)
        table = _table(path, data[name], f"{where}, {name}", facts)
        declared = data[name].attrs.get("num_samples")
        if declared is not None and declared != len(data[name]["actions"]):
            raise DatasetError(
                f"{path}: {name} must have the {declared} steps that it declares (num_samples), "
                f"got {len(data[name]['actions'])}"
            )
        tables.append(table)
    keys = [name.removeprefix("obs/") for name in tables[0].names if name.startswith("obs/")]
    observed = {"" if len(keys) == 1 else key: (f"obs/{key}",) for key in keys}
    env = data.attrs.get("env_args")
    return Reading(
        tables,
        Roles(observations=observed or None, actions=("actions",), end="", episode=""),
        metadata={"robomimic_env": json.loads(_text(env))} if env is not None else {},
        several=False,
    )


class _opened:  # noqa: N801
    """An HDF5 file, whose errors name it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> h5py.File:
        try:
            self._file = h5py.File(self._path, "r")
        except _ERRORS as error:
            said = explain_unreadable(error, "cannot be read as HDF5")
            raise DatasetError(f"{self._path} {said}") from error
        return self._file

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._file.close()
        if isinstance(error, _ERRORS) and not isinstance(error, DatasetError | ConfigError):
            raise DatasetError(f"{self._path} cannot be read: {error}") from error


def _table(
    path: Path, group: h5py.Group, where: str, facts: Mapping[str, Scalar] | None = None
) -> Table:
    """A group's arrays of numbers and texts, read at once: the file is closed afterwards."""
    found: dict[str, h5py.Dataset] = {}
    group.visititems(partial(_collect, found))
    total = sum(item.nbytes for item in found.values())
    files = {path}.union(*(find_sources(path, item) for item in found.values()))
    size = sum(file.stat().st_size for file in files)
    if total > most_bytes(size):
        raise DatasetError(
            f"{path} must fit a file of {size:,} bytes, got {total:,} bytes of "
            "arrays: it is damaged"
        )
    usual = {name for names in USUAL.values() for name in names}
    columns, attributes = {}, dict(facts or {})
    for name, item in found.items():
        if item.ndim:
            columns[name] = _column(item)
        elif name not in usual and group.name != "/":
            attributes[name] = _scalar(item[()])
    for name, value in dict(group.attrs if group.name != "/" else {}).items():
        fact = _scalar(value)
        if isinstance(fact, int | float) or len(fact) < _MOST_TEXT:
            attributes.setdefault(name, fact)
    return Table(where, tuple(columns), columns.__getitem__, attributes=attributes)


def _collect(found: dict[str, h5py.Dataset], name: str, item: Any) -> None:
    if isinstance(item, h5py.Dataset) and (
        item.dtype.kind in "fiubS" or h5py.check_string_dtype(item.dtype)
    ):
        found[name] = item


def _column(item: h5py.Dataset) -> LogColumn:
    if h5py.check_string_dtype(item.dtype):
        return LogColumn(np.asarray([_text(text) for text in item[()].ravel()], dtype=object))
    values = np.asarray(item[()])
    unit = item.attrs.get("unit", item.attrs.get("units", ""))
    return LogColumn(values, values.dtype.kind in "iub", _text(unit))


def _scalar(value: Any) -> Scalar:
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, int | float) else _text(value)


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
