"""Settings as JSON and tensors: what a file says is made again without running code of the file."""

import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import torch as th
from gymnasium import spaces
from minari.serialization import deserialize_space, serialize_space
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.utils import ConstantSchedule, FloatSchedule, LinearSchedule

from sb3_presa.learning.schedules import CosineSchedule, WarmupSchedule

#: The key of an object's kind; a plain JSON object does not have it.
_KIND = "@"
#: Classes that a file may name: they must be imported here already.
_CLASSES = (BasePolicy, th.nn.Module, th.optim.Optimizer)
#: Objects that a file may ask for, with the attributes that they are made of.
_OBJECTS: Mapping[str, tuple[type, tuple[str, ...]]] = {
    "CosineSchedule": (CosineSchedule, tuple(f.name for f in fields(CosineSchedule))),
    "WarmupSchedule": (WarmupSchedule, tuple(f.name for f in fields(WarmupSchedule))),
    "ConstantSchedule": (ConstantSchedule, ("val",)),
    "LinearSchedule": (LinearSchedule, ("start", "end", "end_fraction")),
    "FloatSchedule": (FloatSchedule, ("value_schedule",)),
}


class NotDataError(TypeError):
    """A value is a Python object that only pickle could store."""


def to_data(value: Any, tensors: dict[str, th.Tensor]) -> Any:
    """
    :param value: a setting, or a tree of state dictionaries
    :param tensors: gets the tensors of the value, under new names
    :return: the same as JSON can hold it
    :raises NotDataError: if it holds anything but numbers, texts, containers, arrays, tensors,
        spaces, classes of networks and optimizers, and this package's and SB3's schedules
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, th.Tensor):
        name = str(len(tensors))
        # Contiguous: of others, safetensors would write the memory under the logical shape
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {_KIND: "tensor", "name": name}
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biuf":
        return {_KIND: "array", "dtype": value.dtype.str, "values": value.tolist()} | (
            {} if isinstance(value, np.ndarray) else {"scalar": True}
        )
    if isinstance(value, spaces.Space):
        try:
            return {_KIND: "space", "space": serialize_space(value)}
        except NotImplementedError as error:
            raise NotDataError(str(error)) from error
    if isinstance(value, type) and issubclass(value, _CLASSES) and "<" not in value.__qualname__:
        return {_KIND: "class", "module": value.__module__, "name": value.__qualname__}
    if _OBJECTS.get(type(value).__name__, (None,))[0] is type(value):
        names = _OBJECTS[type(value).__name__][1]
        content = {name: to_data(getattr(value, name), tensors) for name in names}
        return {_KIND: type(value).__name__, "fields": content}
    return _container(value, tensors)


def _container(value: Any, tensors: dict[str, th.Tensor]) -> Any:
    if isinstance(value, Mapping):
        content = {key: to_data(part, tensors) for key, part in value.items()}
        if all(isinstance(key, str) for key in content) and _KIND not in content:
            return content
        items = [[to_data(key, tensors), part] for key, part in content.items()]
        return {_KIND: "dict", "items": items}
    if type(value) is list:
        return [to_data(part, tensors) for part in value]
    if isinstance(value, deque):
        parts = [to_data(part, tensors) for part in value]
        return {_KIND: "deque", "items": parts, "maxlen": value.maxlen}
    if type(value) in (tuple, set, frozenset):
        ordered = value if type(value) is tuple else sorted(value)
        parts = [to_data(part, tensors) for part in ordered]
        return {_KIND: type(value).__name__, "items": parts}
    raise NotDataError(f"{type(value).__module__}.{type(value).__qualname__}")


def from_data(data: Any, tensors: Mapping[str, th.Tensor]) -> Any:
    """
    :param data: what :func:`to_data` returned
    :param tensors: the tensors
    :return: the value
    :raises ValueError: if it is anything else, or names a class that is not imported here
    """
    if isinstance(data, list):
        return [from_data(part, tensors) for part in data]
    if not isinstance(data, dict):
        return data
    kind = data.get(_KIND)
    if kind is None:
        return {key: from_data(part, tensors) for key, part in data.items()}
    if kind == "tensor":
        return tensors[data["name"]]
    if kind == "array":
        dtype = np.dtype(str(data["dtype"]))
        if dtype.kind not in "biuf":
            raise ValueError(f"an array must be of numbers, got the type {dtype}")
        array = np.asarray(data["values"], dtype)
        return array[()] if data.get("scalar") else array
    if kind == "space":
        return deserialize_space(data["space"])
    if kind == "class":
        return _imported(data["module"], data["name"])
    if kind == "dict":
        return {from_data(key, tensors): from_data(part, tensors) for key, part in data["items"]}
    if kind in _OBJECTS:
        return _object(kind, {k: from_data(v, tensors) for k, v in data["fields"].items()})
    kinds: Mapping[str, Any] = {"tuple": tuple, "set": set, "frozenset": frozenset, "deque": deque}
    if kind not in kinds:
        raise ValueError(f"the kind of a value must be known here, got {kind!r}")
    parts = [from_data(part, tensors) for part in data["items"]]
    return deque(parts, data["maxlen"]) if kind == "deque" else kinds[kind](parts)


def _object(kind: str, content: Mapping[str, Any]) -> Any:
    cls, names = _OBJECTS[kind]
    if set(content) != set(names):
        raise ValueError(f"{kind} must have {', '.join(names)}, got {sorted(content)}")
    for value in content.values():
        is_schedule = any(type(value) is known for known, _ in _OBJECTS.values())
        if not (is_schedule or type(value) in (int, float)):
            raise ValueError(f"{kind} must be made of numbers, got {value!r}")
    return cls(*(content[name] for name in names))


def _imported(module: Any, name: Any) -> type:
    """A class that is here already: importing a module would run code that the file names."""
    found: Any = sys.modules.get(module)
    for part in str(name).split("."):
        found = getattr(found, part, None)
    if not (isinstance(found, type) and issubclass(found, _CLASSES)):
        raise ValueError(
            f"{module}.{name} must be a class of networks or optimizers that is imported; import "
            "its module first"
        )
    return found
