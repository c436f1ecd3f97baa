"""The beginning of an episode: seed and options of its reset, as Minari keeps them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sb3_presa.errors import DatasetError

#: Kinds of NumPy arrays that options may hold: booleans, integers and floats.
_KINDS = "biuf"
#: The key of an array's entries in JSON; the other one is ``"dtype"``.
_ARRAY = "__array__"


def reset_arguments(episode_metadata: Mapping[str, Any]) -> dict[str, Any]:
    """
    The arguments of ``env.reset`` with which an episode began.

    :param episode_metadata: An episode's entries, of ``storage.get_episode_metadata``.
    :return: ``seed`` and ``options``; None where the episode has none.
    """
    seed, options = episode_metadata.get("seed"), episode_metadata.get("options")
    return {
        "seed": None if seed is None else int(seed),
        "options": None if options is None else _plain(options),
    }


def to_json(value: Any) -> Any:
    """
    Options of a reset, or attributes of an episode, as JSON can hold them.

    :param value: A number, a text, an array of numbers, or lists and dictionaries of these.
    :return: The same; an array as ``{"__array__": rows, "dtype": type}``.
    :raises DatasetError: If it holds anything else.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind in _KINDS:
        return {_ARRAY: value.tolist(), "dtype": value.dtype.str}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping) and _ARRAY not in value:
        return {str(name): to_json(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(entry) for entry in value]
    raise DatasetError(f"must be numbers, texts or arrays of numbers, got {value!r}")


def from_json(value: Any) -> Any:
    """
    The argument of :func:`to_json`.

    :param value: Its result.
    :return: The value, with its arrays.
    :raises DatasetError: If an array in it is not of numbers.
    """
    if isinstance(value, list):
        return [from_json(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if _ARRAY not in value:
        return {name: from_json(entry) for name, entry in value.items()}
    try:
        dtype = np.dtype(str(value["dtype"]))
        if dtype.kind in _KINDS:
            return np.asarray(value[_ARRAY], dtype)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DatasetError(f"an array cannot be read: {error}") from error
    raise DatasetError(f"an array must be of numbers, got the type {dtype}")


def _plain(value: Any) -> Any:
    """Numbers of HDF5 attributes as Python's own; arrays stay arrays."""
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    return value.item() if isinstance(value, np.generic) else value
