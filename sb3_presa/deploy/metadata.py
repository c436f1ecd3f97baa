"""The metadata of an exported file."""

import json
import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from minari.serialization import serialize_space

from sb3_presa._version import __version__
from sb3_presa.data.datasets import DatasetLike, resolve_dataset
from sb3_presa.data.names import COLUMNS
from sb3_presa.errors import ConfigError

if TYPE_CHECKING:
    from sb3_presa.learning.offline_algorithm import OfflineAlgorithm

#: Key of the metadata in a file.
METADATA: Final = "sb3_presa"
_FORMAT: Final = 1


def check_model(model: object) -> None:
    """
    :param model: what was given as a model of this package
    :raises ConfigError: if it is something else
    """
    from sb3_presa.learning.offline_algorithm import OfflineAlgorithm

    if not isinstance(model, OfflineAlgorithm):
        raise ConfigError(
            "`model` must be a model of sb3_presa, as PRESA.load('agent.zip') gives it, got "
            f"{type(model).__name__}"
        )


def metadata_of(
    model: "OfflineAlgorithm", dataset: DatasetLike | None, channels_last: bool
) -> dict[str, Any]:
    """
    :param model: the model
    :param dataset: a dataset with its spaces, or ``None``
    :param channels_last: whether images are given with their channels last
    :return: JSON values: spaces, names and units of coordinates, the origin of data and labels; a
        bound that is infinite is ``None``, and pictures have one bound for all pixels
    """
    columns = None
    if dataset is not None:
        columns = resolve_dataset(dataset).storage.metadata.get(COLUMNS)
    found: dict[str, Any] = {
        "format": _FORMAT,
        "version": __version__,
        "algorithm": model.algorithm,
        "observation_space": _without_pixels(json.loads(serialize_space(model.observation_space))),
        "action_space": json.loads(serialize_space(model.action_space)),
        "channels_last": channels_last,
        "columns": columns,
        "steps": model.num_timesteps,
        "trained_on": model.trained_on,
    }
    if model.policy.adjustable:
        level = model.policy.safety_level  # held in float32, which has seven digits
        found["safety_level"] = float(f"{level:.7g}")
    return {key: _finite(value) for key, value in found.items()}


def _without_pixels(space: dict[str, Any]) -> dict[str, Any]:
    """One bound for all pixels of a picture: of a camera they would be megabytes."""
    parts = space["subspaces"].values() if space["type"] == "Dict" else [space]
    for part in parts:
        if part["type"] == "Box" and len(part["shape"]) == 3:
            part["low"], part["high"] = (float(np.min(part["low"])), float(np.max(part["high"])))
    return space


def _finite(value: Any) -> Any:
    """``Infinity`` is no JSON: readers other than Python's refuse the whole text."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
