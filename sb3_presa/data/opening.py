"""Open a dataset's folder, also where Minari cannot read the environment that is recorded there."""

import dataclasses
import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gymnasium.envs.registration import EnvSpec
from minari import MinariDataset
from minari.dataset.minari_storage import MinariStorage

from sb3_presa.errors import DatasetError

_SPECS = ("env_spec", "eval_env_spec")
_SPACES = ("observation_space", "action_space")


def open_folder(folder: Path) -> MinariDataset:
    """Open the dataset in a folder. None of its code is run.

    Training needs no environment. Of a specification that an older Gymnasium wrote, the settings
    that Gymnasium has no more are passed over; one that cannot be read at all is left out, with a
    warning.

    :param folder: what holds ``metadata.json``.
    :return: the open dataset.
    :raises DatasetError: if it cannot be opened.
    """
    try:
        raw = MinariStorage.read_raw_metadata(folder)
        _check_counts(folder, raw)
        _check_spaces(folder, raw)
        storage = MinariStorage.read(folder)
        if specs := _mended_specs(raw):
            storage = _mended_kind(type(storage))(
                folder,
                storage.observation_space,
                storage.action_space,
                jpeg_encoding=storage.jpeg_encoding,
            )
            storage.specs = specs
        return MinariDataset(storage)
    except DatasetError:
        raise
    except Exception as error:  # Minari raises whatever its parsers raise
        raise DatasetError(f"the dataset at {folder} cannot be opened: {error}") from error


def _check_counts(folder: Path, raw: Mapping[str, Any]) -> None:
    """Minari makes an array of as many numbers as there are episodes."""
    count, size = raw["total_episodes"], sum(entry.stat().st_size for entry in os.scandir(folder))
    if not isinstance(count, int) or not 0 <= count <= size:
        raise DatasetError(
            f"`total_episodes` must be an integer from 0 to {size:,}, the bytes of the files, got "
            f"{count}: the metadata are damaged ({folder})"
        )


def _check_spaces(folder: Path, raw: Mapping[str, Any]) -> None:
    """Minari would make the recorded environment for its spaces, which runs code of the file's."""
    missing = [name for name in _SPACES if name not in raw]
    if missing:
        raise DatasetError(
            f"the metadata must contain {' and '.join(missing)}, got none ({folder}). Minari makes "
            "the recorded environment for them, which runs code that the dataset names: if you "
            "trust it, open it with minari.load_dataset and pass the open dataset"
        )


def _mended_specs(raw: Mapping[str, Any]) -> dict[str, str | None]:
    """The specifications that Gymnasium cannot read, as it can read them; None of those it never
    could."""
    mended: dict[str, str | None] = {}
    for name in _SPECS:
        text = raw.get(name)
        problem = None if text is None else _problem(text)
        if problem is None:
            continue
        mended[name] = _without_unknown_settings(text)
        if mended[name] is not None:
            problem = _problem(mended[name])
        if problem is not None:
            mended[name] = None
            warnings.warn(
                f"the {name} of dataset '{raw.get('dataset_id')}' cannot be read ({problem}). "
                "Training needs no environment; to evaluate agents, name one",
                stacklevel=4,
            )
    return mended


def _problem(text: Any) -> str | None:
    try:
        EnvSpec.from_json(text)
    except Exception as error:  # Gymnasium raises whatever its parsers raise
        return f"{type(error).__name__}: {error.__cause__ or error}"
    return None


def _without_unknown_settings(text: Any) -> str | None:
    known = {field.name for field in dataclasses.fields(EnvSpec) if field.init}
    try:
        entries = json.loads(text)
        kept = {name: value for name, value in entries.items() if name in known}
    except (AttributeError, TypeError, ValueError):
        return None
    return json.dumps({"additional_wrappers": [], **kept})


def _mended_kind(kind: type[MinariStorage]) -> type[Any]:
    class Mended(kind):  # type: ignore[misc]
        """A storage whose metadata hold other specifications than its file."""

        specs: Mapping[str, str | None]

        @property
        def metadata(self) -> dict[str, Any]:
            entries = {**super().metadata, **self.specs}
            return {name: value for name, value in entries.items() if value is not None}

    return Mended
