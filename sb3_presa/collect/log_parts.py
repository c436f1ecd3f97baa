"""The constraints on the parts of an action log, which may come from anywhere."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.data.resets import from_json
from sb3_presa.errors import DatasetError

Array = npt.NDArray[Any]


def read_about(column: Array, version: int) -> dict[str, Any]:
    """
    :param column: The UTF-8 bytes of a JSON object.
    :param version: The format that it must have.
    :return: What the log says of its dataset.
    :raises DatasetError: If an entry is missing or of another type.
    """
    try:
        about = json.loads(column.tobytes())
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"`about` must be JSON, got {error}") from error
    if not isinstance(about, dict):
        raise DatasetError(f"`about` must be a JSON object, got {type(about).__name__}")
    if about.get("format") != version:
        raise DatasetError(
            f"the format of an action log must be {version}, got {about.get('format')!r}"
        )
    for name, kind in (
        ("dataset_id", str),
        ("env_spec", str),
        ("ref_scores", list),
        ("metadata", dict),
        ("attributes", list),
        ("options", list),
    ):
        if not isinstance(about.get(name, [] if name == "options" else None), kind):
            raise DatasetError(f"`{name}` must be a {kind.__name__}, got {about.get(name)!r}")
    scores = about["ref_scores"]
    if len(scores) != 2 or not all(s is None or _is_finite(s) for s in scores):
        raise DatasetError(f"`ref_scores` must be two numbers or null, got {scores}")
    for name in ("algorithm_name", "description"):
        if not isinstance(about["metadata"].get(name, ""), str):
            raise DatasetError(f"`{name}` must be a text, got {about['metadata'][name]!r}")
    for name in ("attributes", "options"):
        _check_rows(name, about.get(name, []), may_be_null=name == "options")
    return about


def check_columns(
    seeds: Array, lengths: Array, actions: Array, n_hashes: float, about: Mapping[str, Any]
) -> None:
    """
    :param seeds: One of each episode.
    :param lengths: Steps of each episode.
    :param actions: One of each step.
    :param n_hashes: The number of hashes.
    :param about: As :func:`read_about` returns it.
    :raises DatasetError: If a column is of another type, or the numbers of rows differ.
    """
    for name, column in (("seed", seeds), ("length", lengths)):
        if column.ndim != 1 or column.dtype.kind not in "iu" or not len(column) or column.min() < 0:
            raise DatasetError(
                f"`{name}` must be integers of at least 0, one per episode, got {column.dtype} of "
                f"shape {column.shape}"
            )
    if actions.ndim < 1 or actions.dtype.kind not in "biuf":
        raise DatasetError(
            f"`actions` must be numbers, one row per step, got {actions.dtype} of shape "
            f"{actions.shape}"
        )
    steps = sum(lengths.tolist())  # Python's integers: NumPy's sum could overflow to any number
    sizes = {len(seeds), len(lengths), len(about["attributes"]), n_hashes}
    sizes.add(len(about.get("options", lengths)))
    if len(sizes) != 1 or lengths.min() < 1 or steps != len(actions):
        raise DatasetError(
            "an action log must have one seed and one hash per episode and one action per "
            f"step, got {len(lengths)} episodes of {steps} steps, {len(seeds)} seeds, "
            f"{n_hashes:g} hashes, {len(about['attributes'])} attributes and {len(actions)} actions"
        )
    wrong = ~np.isfinite(actions).reshape(len(actions), -1).all(axis=1)
    if wrong.any():
        row = int(np.argmax(wrong))
        ends = np.cumsum(lengths)
        episode = int(np.searchsorted(ends, row, side="right"))
        step = row - int(ends[episode] - lengths[episode])
        raise DatasetError(
            f"`actions` must be finite, got {actions[row].tolist()} (episode {episode}, "
            f"step {step})"
        )


def _check_rows(name: str, rows: list[Any], may_be_null: bool) -> None:
    for episode, row in enumerate(rows):
        if not (isinstance(row, dict) or (row is None and may_be_null)):
            raise DatasetError(f"`{name}` of episode {episode} must be a JSON object, got {row!r}")
        try:
            from_json(row)
        except DatasetError as error:
            raise DatasetError(f"`{name}` of episode {episode}: {error}") from error


def _is_finite(value: Any) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))
    )
