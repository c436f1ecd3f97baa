"""Weights and settings as data inside SB3's ZIP file: safetensors and JSON, nothing to unpickle.

SB3's own parts stay beside them, so that SB3 reads the file as ever. It pickles what JSON cannot
hold, and unpickling runs what the file says.
"""

import io
import json
import pathlib
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import safetensors.torch
import torch as th
from safetensors import SafetensorError
from stable_baselines3.common.save_util import open_path, recursive_getattr

from sb3_presa.data.archive import ARCHIVE_ERRORS, read_entry, reason
from sb3_presa.errors import ConfigError
from sb3_presa.files import write_bytes
from sb3_presa.learning.data_values import NotDataError, from_data, to_data

SETTINGS, TENSORS = "sb3_presa/settings.json", "sb3_presa/tensors.safetensors"
_FORMAT = 1
_SYSTEM_INFO = "system_info.txt"
_ERRORS: tuple[type[Exception], ...] = (
    *ARCHIVE_ERRORS,
    AttributeError,
    TypeError,
    SafetensorError,
    RecursionError,
)


@dataclass(frozen=True)
class ModelData:
    """
    The content of a file as data.

    :param settings: the model's attributes by name
    :param left_out: those that only pickle could store, with their types
    :param state: state dictionaries by name
    :param variables: further tensors by name
    :param system_info: the system on which the model was saved
    """

    settings: Mapping[str, Any]
    left_out: Mapping[str, str]
    state: Mapping[str, Any]
    variables: Mapping[str, Any]
    system_info: str

    def as_sb3(self) -> io.BytesIO:
        """
        :return: a file for SB3's ``load``, which is to be given the settings as ``custom_objects``;
            its pickles are written here, of tensors and numbers
        """
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            # SB3 takes objects for the names that it finds here
            archive.writestr("data", json.dumps(dict.fromkeys([*self.settings, *self.left_out])))
            archive.writestr(_SYSTEM_INFO, self.system_info)
            for name, part in {**self.state, "pytorch_variables": self.variables}.items():
                with archive.open(f"{name}.pth", "w", force_zip64=True) as entry:
                    th.save(part, entry)
        file.seek(0)
        return file


def add_data(file: io.BytesIO, model: Any) -> None:
    """
    :param file: what SB3's ``save`` wrote of the model
    :param model: the model
    """
    tensors: dict[str, th.Tensor] = {}
    settings, left_out = {}, {}
    with zipfile.ZipFile(file, "a") as archive:
        for name in json.loads(archive.read("data")):
            try:
                settings[name] = to_data(model.__dict__[name], tensors)
            except NotDataError as error:
                left_out[name] = str(error)
        variables = {name: recursive_getattr(model, name) for name in _variables(model)}
        content = {
            "format": _FORMAT,
            "settings": settings,
            "left_out": left_out,
            "state": to_data(model.get_parameters(), tensors),
            "variables": to_data(variables, tensors),
        }
        archive.writestr(SETTINGS, json.dumps(content))
        archive.writestr(TENSORS, safetensors.torch.save(tensors))


def _variables(model: Any) -> list[str]:
    names: list[str] = model._get_torch_save_params()[1]
    return names


def write_model(path: str | pathlib.Path | io.BufferedIOBase, content: bytes) -> None:
    """
    :param path: the file, or an open one; named as SB3 names it
    :param content: a ZIP file
    :raises FileNotWrittenError: if the disk is full; what was there before is unchanged
    """
    if not isinstance(path, str | pathlib.Path):
        open_path(path, "w").write(content)
        return
    target = pathlib.Path(path)
    if not target.suffix:
        target = target.with_name(f"{target.name}.zip")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(target, content)


def read_model(
    path: str | pathlib.Path | io.BufferedIOBase, given: Collection[str], trust: bool
) -> ModelData | None:
    """
    :param path: the file, or an open one
    :param given: attributes that are given to ``load`` and need not be in the file
    :param trust: whether to unpickle what is not there as data
    :return: the model as data, ``None`` to let SB3 unpickle it
    :raises ConfigError: if it is damaged, or has attributes that only pickle can read and is not
        trusted
    """
    if isinstance(path, str | pathlib.Path):
        with open_path(path, "r", suffix="zip") as file:
            found = read_data(file, str(path))
    else:
        found = read_data(path, "the file")
    missing = {} if found is None else {k: v for k, v in found.left_out.items() if k not in given}
    if found is not None and not missing:
        return found
    if trust:
        return None
    listed = ", ".join(f"`{name}` ({kind})" for name, kind in missing.items())
    raise ConfigError(
        f"{path} holds {listed or 'weights and settings'} as pickled Python objects, which run "
        "code of its author when they are read. If you trust the file, use trust=True (--trust)"
        + (f", or give {', '.join(missing)} to load" if missing else "")
    )


def read_data(file: io.BufferedIOBase | Any, name: str) -> ModelData | None:
    """
    :param file: an open ZIP file
    :param name: how messages call it
    :return: what it holds as data, ``None`` for a file of SB3 that has pickles only
    :raises ConfigError: if it is damaged, or is no such file
    """
    try:
        size = file.seek(0, io.SEEK_END)
        with zipfile.ZipFile(file) as archive:
            if "data" not in archive.namelist():
                raise ValueError("it is not a Stable-Baselines3 model")
            if SETTINGS not in archive.namelist():
                return None
            content = json.loads(read_entry(archive, SETTINGS, size))
            tensors = safetensors.torch.load(read_entry(archive, TENSORS, size))
            system_info = read_entry(archive, _SYSTEM_INFO, size).decode()
        if content["format"] != _FORMAT:
            raise ValueError(f"its format must be {_FORMAT}, got {content['format']}")
        settings, state, variables = (
            from_data(content[part], tensors) for part in ("settings", "state", "variables")
        )
        left_out = {str(key): str(kind) for key, kind in content["left_out"].items()}
        _check(settings, left_out, state)
    except _ERRORS as error:
        raise ConfigError(f"{name} cannot be read as a model: {reason(error)}") from error
    return ModelData(settings, left_out, state, variables, system_info)


def _check(settings: Any, left_out: Mapping[str, str], state: Any) -> None:
    for part, value in (("settings", settings), ("state", state)):
        if not isinstance(value, dict):
            raise ValueError(f"`{part}` must be an object, got {type(value).__name__}")
    for name in ("policy_class", "observation_space", "action_space", "policy_kwargs"):
        if name not in settings and name not in left_out:
            raise ValueError(f"it must have `{name}`")
