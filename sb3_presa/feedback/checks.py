"""Turn labels into arrays and check them, naming the first row that is wrong."""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import FeedbackError

IntArray: TypeAlias = npt.NDArray[np.int64]
FloatArray: TypeAlias = npt.NDArray[np.float32]


def integers(values: npt.ArrayLike, columns: int, name: str) -> IntArray:
    """A fresh ``(n, columns)`` int64 array of ``values``; integers in float arrays are fine."""
    try:
        array = np.asarray(values)
    except ValueError as error:  # ragged lists
        raise FeedbackError(f"{name} must have {columns} numbers in every row: {error}") from error
    if array.size == 0:
        return np.empty((0, columns), dtype=np.int64)
    if array.dtype.kind not in "iuf" or array.ndim != 2 or array.shape[1] != columns:
        raise FeedbackError(
            f"{name} are {array.dtype} of shape {array.shape}; allowed are integers of shape "
            f"(n, {columns})."
        )
    if array.dtype.kind == "f":
        wrong = ~(np.isfinite(array) & (array == np.floor(array)) & (np.abs(array) < 2.0**53))
        if wrong.any():
            row = int(np.argmax(wrong.any(axis=1)))
            raise FeedbackError(f"{name}, row {row}: {array[row].tolist()} are not all integers.")
    return array.astype(np.int64)


def labels(values: Any, name: str) -> npt.NDArray[Any]:
    """Labels as floats; None becomes NaN."""
    try:
        array = np.asarray(values)
        if array.dtype == object:
            array = np.asarray([np.nan if value is None else value for value in array.tolist()])
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise FeedbackError(f"{name} must be numbers in [0, 1]: {error}") from error


def probabilities(
    values: npt.ArrayLike, rows: int, name: str, nan_allowed: bool = False
) -> FloatArray:
    """A fresh ``(rows,)`` float32 array of ``values``, all in [0, 1], or NaN where allowed."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf" or array.shape != (rows,):
        raise FeedbackError(
            f"{name} are {array.dtype} of shape {array.shape}; allowed are numbers of shape "
            f"({rows},), one for each row."
        )
    wrong = ~((array >= 0) & (array <= 1))
    if nan_allowed and array.dtype.kind == "f":
        wrong &= ~np.isnan(array)
    if wrong.any():
        row = int(np.argmax(wrong))
        allowed = "a number in [0, 1]" + (", or NaN for not labelled" if nan_allowed else "")
        raise FeedbackError(f"{name}, row {row}: {array[row].item()}; allowed is {allowed}.")
    return array.astype(np.float32)


def check_segments(segments: IntArray, hashes: Mapping[int, bytes]) -> None:
    """Refuse negative numbers, empty segments and episodes without a hash."""
    wrong = np.any(segments < [0, 0, 1], axis=1)
    for row, (episode, start, length) in _first(segments, wrong):
        raise FeedbackError(
            f"segments, row {row}: episode {episode}, start {start}, length {length}; allowed are "
            "episode >= 0, start >= 0 and length >= 1."
        )
    ids, which = np.unique(segments[:, 0], return_inverse=True)
    known = np.asarray([episode in hashes for episode in ids.tolist()], dtype=bool)
    for row, (episode, _, _) in _first(segments, ~known[which]):
        raise FeedbackError(f"segments, row {row}: episode {episode} is not in episode_hashes.")
    for episode, content in hashes.items():
        if len(content) != 32:
            found = len(content)
            raise FeedbackError(f"The hash of episode {episode} has {found} bytes; it must be 32.")


def check_ends(segments: IntArray, episodes: IntArray, transitions: Transitions) -> None:
    """Name the row of a segment that runs over the end of its episode.

    :param segments: the rows, as the user numbers them.
    :param episodes: the episode in ``transitions`` of each row; -1 where it has none.
    """
    order = np.argsort(transitions.episode_ids)
    ids, lengths = transitions.episode_ids[order], transitions.episode_lengths[order]
    available = lengths[np.minimum(np.searchsorted(ids, episodes), len(ids) - 1)]
    # start <= available first, and no sum: a huge start must not overflow into a valid end.
    wrong = (segments[:, 1] > available) | (segments[:, 2] > available - segments[:, 1])
    for row, (episode, start, length) in _first(segments, wrong & (episodes >= 0)):
        raise FeedbackError(
            f"segments, row {row}: start {start} and length {length} run over the end of episode "
            f"{episode}, which has {available[row]} steps."
        )


def check_comparisons(comparisons: IntArray, n_segments: int) -> None:
    """Refuse pairs of segments that do not exist, or are the same."""
    outside = np.any((comparisons < 0) | (comparisons >= n_segments), axis=1)
    for row, pair in _first(comparisons, outside):
        raise FeedbackError(
            f"comparisons, row {row}: segments {pair}; allowed are rows 0 to {n_segments - 1}."
        )
    for row, pair in _first(comparisons, comparisons[:, 0] == comparisons[:, 1]):
        raise FeedbackError(f"comparisons, row {row}: segment {pair[0]} is compared with itself.")


def check_known(segments: IntArray, transitions: Transitions) -> None:
    """Name the row of an episode that the dataset does not have."""
    ids = transitions.episode_ids
    for row, (episode, _, _) in _first(segments, ~np.isin(segments[:, 0], ids)):
        raise FeedbackError(
            f"segments, row {row}: there is no episode {episode} in dataset "
            f"'{transitions.dataset_id}', whose ids are {len(ids)} from {ids.min()} to {ids.max()}."
        )


def _first(rows: IntArray, wrong: npt.NDArray[np.bool_]) -> list[tuple[int, list[int]]]:
    """The first wrong row, with its number, if there is one."""
    if not wrong.any():
        return []
    row = int(np.argmax(wrong))
    return [(row, rows[row].tolist())]


def plain_json(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of ``provenance`` as JSON would give it back."""
    try:
        plain = json.loads(json.dumps(dict(provenance), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise FeedbackError(f"provenance cannot be stored as JSON: {error}") from error
    assert isinstance(plain, dict)
    return plain
