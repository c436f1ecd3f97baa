"""Turns labels into arrays and checks them; errors name the first invalid row."""

import json
import math
import sys
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import FeedbackError

IntArray: TypeAlias = npt.NDArray[np.int64]
FloatArray: TypeAlias = npt.NDArray[np.float32]


def integers(values: npt.ArrayLike, columns: int, name: str) -> IntArray:
    """A new ``(n, columns)`` int64 array of ``values``; float arrays may contain integers."""
    if np.ma.is_masked(values):
        raise FeedbackError(f"`{name}` must have a number in every place, got masked ones")
    try:
        array = np.asarray(values)
    except ValueError as error:  # ragged lists
        raise FeedbackError(
            f"`{name}` must have {columns} numbers in every row: {error}"
        ) from error
    if array.size == 0:
        return np.empty((0, columns), dtype=np.int64)
    if array.dtype.kind not in "iuf" or array.ndim != 2 or array.shape[1] != columns:
        raise FeedbackError(
            f"`{name}` must be integers of shape (n, {columns}), got {array.dtype} of shape "
            f"{array.shape}"
        )
    if array.dtype.kind == "f":
        wrong = ~(np.isfinite(array) & (array == np.floor(array)) & (np.abs(array) < 2.0**53))
        if wrong.any():
            row = int(np.argmax(wrong.any(axis=1)))
            raise FeedbackError(f"`{name}` must be integers, got {array[row].tolist()} (row {row})")
    return array.astype(np.int64)


def labels(values: Any, name: str) -> npt.NDArray[Any]:
    """Labels as floats; None, ``pandas.NA`` and what is masked become NaN."""
    try:
        if isinstance(values, np.ma.MaskedArray):
            values = np.ma.filled(values.astype(np.float64), np.nan)
        array = np.asarray(values)
        if array.dtype == object:
            na = getattr(sys.modules.get("pandas"), "NA", None)
            array = np.asarray([np.nan if x is None or x is na else x for x in array.tolist()])
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise FeedbackError(f"`{name}` must be numbers in [0, 1]: {error}") from error


def check_levels(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """A new ``(G,)`` float64 array of safety levels in (0, 1), each above the one before."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf" or array.ndim != 1 or not len(array):
        raise FeedbackError(
            f"`levels` must be one or more numbers, got {array.dtype} of shape {array.shape}"
        )
    if not ((array > 0) & (array < 1)).all() or not (np.diff(array) > 0).all():
        raise FeedbackError(f"`levels` must rise and lie in (0, 1), got {array.tolist()}")
    return array.astype(np.float64)


def weights(values: npt.ArrayLike, rows: int, levels: npt.NDArray[np.float64] | None) -> FloatArray:
    """A new float32 array of finite ``values`` that are at least 0, a column for each level."""
    array = np.asarray(values)
    shape = (rows,) if levels is None else (rows, len(levels))
    if array.dtype.kind not in "biuf" or array.shape != shape:
        raise FeedbackError(
            f"`weights` must be numbers of shape {shape}, by segment, got "
            f"{array.dtype} of shape {array.shape}"
        )
    wrong = ~(np.isfinite(array) & (array >= 0))
    if wrong.any():
        row = int(np.argmax(wrong.reshape(rows, -1).any(axis=1)))
        raise FeedbackError(
            f"`weights` must be finite and at least 0, got {array[row]} (row {row})"
        )
    return array.astype(np.float32)


def probabilities(
    values: npt.ArrayLike, rows: int, name: str, nan_allowed: bool = False
) -> FloatArray:
    """A new ``(rows,)`` float32 array of ``values`` in [0, 1], or NaN with ``nan_allowed``."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf" or array.shape != (rows,):
        raise FeedbackError(
            f"`{name}` must be numbers of shape ({rows},), one per row, got {array.dtype} of "
            f"shape {array.shape}"
        )
    wrong = ~((array >= 0) & (array <= 1))
    if nan_allowed and array.dtype.kind == "f":
        wrong &= ~np.isnan(array)
    if wrong.any():
        row = int(np.argmax(wrong))
        found = array[row].item()
        or_nan = ", or NaN for not labelled" if nan_allowed else ""
        remedy = "; leave out comparisons that nobody answered" if math.isnan(found) else ""
        raise FeedbackError(
            f"`{name}` must be a number in [0, 1]{or_nan}, got {found} (row {row}){remedy}"
        )
    return array.astype(np.float32)


def check_segments(segments: IntArray, hashes: Mapping[int, bytes]) -> None:
    """Raise an error for negative numbers, empty segments and episodes without a hash."""
    wrong = np.any(segments < [0, 0, 1], axis=1)
    for row, (episode, start, length) in _first(segments, wrong):
        raise FeedbackError(
            "`segments` must have episode >= 0, start >= 0 and length >= 1, got episode "
            f"{episode}, start {start}, length {length} (row {row})"
        )
    ids, which = np.unique(segments[:, 0], return_inverse=True)
    known = np.asarray([episode in hashes for episode in ids.tolist()], dtype=bool)
    for row, (episode, _, _) in _first(segments, ~known[which]):
        raise FeedbackError(
            "`episode_hashes` must contain every episode of `segments`, but episode "
            f"{episode} is missing (row {row})"
        )
    for episode, content in hashes.items():
        if len(content) != 32:
            raise FeedbackError(
                f"the hash of an episode must have 32 bytes, got {len(content)} for episode "
                f"{episode}"
            )


def check_ends(segments: IntArray, episodes: IntArray, transitions: Transitions) -> None:
    """Raise an error for a segment that ends after its episode.

    :param segments: the rows with the user's episode ids.
    :param episodes: the id in ``transitions`` of each row's episode; -1 if it is missing.
    """
    order = np.argsort(transitions.episode_ids)
    ids, lengths = transitions.episode_ids[order], transitions.episode_lengths[order]
    available = lengths[np.minimum(np.searchsorted(ids, episodes), len(ids) - 1)]
    # start <= available first, without a sum: a huge start must not overflow to a valid end.
    wrong = (segments[:, 1] > available) | (segments[:, 2] > available - segments[:, 1])
    for row, (episode, start, length) in _first(segments, wrong & (episodes >= 0)):
        raise FeedbackError(
            f"`segments` must end within their episode, got start {start} and length {length} for "
            f"episode {episode} of {available[row]} steps (row {row})"
        )


def check_comparisons(comparisons: IntArray, n_segments: int) -> None:
    """Raise an error for pairs of unknown or of identical segments."""
    outside = np.any((comparisons < 0) | (comparisons >= n_segments), axis=1)
    for row, pair in _first(comparisons, outside):
        raise FeedbackError(
            f"`comparisons` must be rows of `segments`, 0 to {n_segments - 1}, got {pair} "
            f"(row {row})"
        )
    for row, pair in _first(comparisons, comparisons[:, 0] == comparisons[:, 1]):
        raise FeedbackError(
            f"`comparisons` must be pairs of two different segments, got {pair} (row {row})"
        )


def check_known(segments: IntArray, transitions: Transitions) -> None:
    """Raise an error for a segment whose episode the dataset does not contain."""
    ids = transitions.episode_ids
    for row, (episode, _, _) in _first(segments, ~np.isin(segments[:, 0], ids)):
        raise FeedbackError(
            f"`segments` must be of episodes in dataset '{transitions.dataset_id}' ({len(ids)} "
            f"ids from {ids.min()} to {ids.max()}), got episode {episode} (row {row})"
        )


def _first(rows: IntArray, wrong: npt.NDArray[np.bool_]) -> list[tuple[int, list[int]]]:
    """The first invalid row with its number, or an empty list."""
    if not wrong.any():
        return []
    row = int(np.argmax(wrong))
    return [(row, rows[row].tolist())]


def plain_json(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of ``provenance`` after a round trip through JSON."""
    try:
        plain = json.loads(json.dumps(dict(provenance), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise FeedbackError(f"`provenance` must contain only JSON values: {error}") from error
    assert isinstance(plain, dict)
    return plain
