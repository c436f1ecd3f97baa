"""Public sets of human preferences in the format of PreferenceTransformer and Uni-RLHF.

A set is a folder with three pickles: the starts of the first segments, the starts of the second
segments, and the labels::

    PreferenceTransformer    indices_num500, indices_2_num500, label_human
    Uni-RLHF                 indices_1_*_len_200_*.pkl, indices_2_*.pkl, human_label_*.pkl

A start is a row of D4RL's flat arrays. A label is 0 if the first segment is better, 1 if the second
is, and -1 for a tie. (This package's preference is the opposite, the probability of the first; only
this module converts it.) All segments of a set have one length.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from sb3_presa.data.datasets import DatasetLike, read_episodes, resolve_dataset
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError, DatasetError, FeedbackError
from sb3_presa.feedback.array_pickle import read_numbers
from sb3_presa.feedback.table import Feedback

IntArray: TypeAlias = npt.NDArray[np.int64]
FlatRows: TypeAlias = Literal["qlearning", "all"]
Crossing: TypeAlias = Literal["refuse", "clip", "drop"]

_LENGTH = re.compile(r"_(?:len_|q)(\d+)(?=[_.]|$)")


@dataclass(frozen=True)
class PreferenceFiles:
    """The files of a set.

    :param labels: the labels.
    :param first: the starts of the first segments.
    :param second: the starts of the second segments.
    :param segment_length: steps of each segment, if the file names contain it.
    """

    labels: Path
    first: Path
    second: Path
    segment_length: int | None


def find_preference_files(folder: Path) -> PreferenceFiles:
    """Find the three files of a set by their names.

    :param folder: the folder of the set.
    :return: the files.
    :raises FeedbackError: if a file is missing or ambiguous.
    """
    if not folder.is_dir():
        raise FeedbackError(f"a set of preferences must be a folder with 3 files, got {folder}")
    names = sorted(
        path.name for path in folder.iterdir() if path.is_file() and path.name != "label_dummy"
    )
    found: dict[str, list[str]] = {"labels": [], "first": [], "second": []}
    for name in names:
        if name.startswith("indices_2"):
            found["second"].append(name)
        elif name.startswith("indices"):
            found["first"].append(name)
        elif "label" in name:
            found["labels"].append(name)
    for what, candidates in found.items():
        if len(candidates) != 1:
            raise FeedbackError(
                "a set of preferences must have one file each of indices*, indices_2* and "
                f"*label*, got {len(candidates)} files for {what} ({', '.join(candidates)}; "
                f"{folder})"
            )
    lengths = {int(match[1]) for name in names for match in _LENGTH.finditer(name)}
    if len(lengths) > 1:
        raise FeedbackError(
            "the file names of a set must contain one segment length, got "
            f"{sorted(lengths)} ({folder})"
        )
    return PreferenceFiles(
        **{what: folder / candidates[0] for what, candidates in found.items()},
        segment_length=lengths.pop() if lengths else None,
    )


def import_preferences(
    dataset: DatasetLike,
    folder: str | Path,
    *,
    segment_length: int | None = None,
    rows: FlatRows = "qlearning",
    crossing: Crossing = "refuse",
) -> Feedback:
    """Human preferences on the dataset from which a set was drawn.

    :param dataset: the same D4RL data as a Minari dataset, episodes in the order of the flat
        arrays: a Minari id, a path or an open dataset.
    :param folder: the set's folder.
    :param segment_length: steps of a segment, if the file names do not contain it (``_len_200_``,
        ``_q100``).
    :param rows: the flat arrays that the starts refer to. ``"qlearning"``: those of
        ``d4rl.qlearning_dataset``, as in both releases, which lack the last step of truncated
        episodes and of the last episode. ``"all"``: every step.
    :param crossing: how to treat a segment that ends after its episode: ``"refuse"`` (an error),
        ``"clip"`` it at the end, or ``"drop"`` its comparison.
    :return: the comparisons, without safety labels.
    :raises ConfigError: if an argument is out of its range.
    :raises FeedbackError: if a file is invalid; the message names the file and the row.
    :raises DatasetError: if the dataset cannot be read.
    """
    if rows not in get_args(FlatRows):
        raise ConfigError(f"`rows` must be 'qlearning' or 'all', got {rows!r}")
    if crossing not in get_args(Crossing):
        raise ConfigError(f"`crossing` must be 'refuse', 'clip' or 'drop', got {crossing!r}")
    files = find_preference_files(Path(folder))
    length = _length(files, segment_length)
    preferences = read_labels(files.labels)
    opened = resolve_dataset(dataset)
    transitions = load_transitions(opened)
    flat = _FlatRows(transitions, _lost_steps(opened, transitions, rows))
    sides = [
        flat.segments(path, length, len(preferences), crossing)
        for path in (files.first, files.second)
    ]
    kept = np.all([side[:, 2] > 0 for side in sides], axis=0)
    same = np.all(sides[0] == sides[1], axis=1)
    dropped = int(np.sum(~kept))
    kept &= ~same  # a segment compared with itself has no information
    segments, numbers = np.unique(
        np.concatenate([side[kept] for side in sides]), axis=0, return_inverse=True
    )
    return Feedback.create(
        transitions,
        segments,
        comparisons=numbers.reshape(2, -1).T,
        preferences=preferences[kept],
        provenance=_provenance(files, length, rows, crossing)
        | {"dropped": dropped, "compared_with_itself": int(np.sum(same))},
    )


def read_labels(path: Path) -> npt.NDArray[np.float64]:
    """Labels of comparisons as probabilities of the first segment.

    :param path: a pickle with 0 (the first is better), 1 (the second) or -1 (a tie) for each
        comparison; or with rows of two probabilities, the format of scripted teachers.
    :return: ``(N,)``, P(the first is preferred).
    :raises FeedbackError: if a row has another value; the message names the row.
    """
    labels = read_numbers(path)
    if labels.ndim == 2:
        wrong = (labels < 0) | (labels > 1)
        bad = wrong.any(axis=1) | ~np.isclose(labels.sum(axis=1), 1.0)
        if labels.shape[1] != 2 or bad.any():
            row = int(np.argmax(bad))
            raise FeedbackError(
                "a label must be two probabilities that add up to 1, got "
                f"{labels[row].tolist()} ({path}, row {row})"
            )
        return labels[:, 0].astype(np.float64)
    bad = ~np.isin(labels, (0, 1, -1))
    if bad.any():
        row = int(np.argmax(bad))
        raise FeedbackError(
            "a label must be 0 (the first is better), 1 (the second) or -1 (a tie), got "
            f"{labels[row]} ({path}, row {row})"
        )
    return np.where(labels == -1, 0.5, 1.0 - labels)


class _FlatRows:
    """Maps rows of flat arrays to episodes and steps."""

    def __init__(self, transitions: Transitions, lost: IntArray) -> None:
        self._ids = transitions.episode_ids
        self._lengths = transitions.episode_lengths - lost
        self._ends = np.cumsum(self._lengths)
        self._dataset_id = transitions.dataset_id

    def segments(self, path: Path, length: int, expected: int, crossing: Crossing) -> IntArray:
        """``(N, 3)``, the segments that start at a file's rows; dropped ones have length 0."""
        starts = _starts(path, expected, int(self._ends[-1]), self._dataset_id)
        episode = np.searchsorted(self._ends, starts, side="right")
        step = starts - (self._ends[episode] - self._lengths[episode])
        left = self._lengths[episode] - step
        over = left < length
        if over.any() and crossing == "refuse":
            row = int(np.argmax(over))
            raise FeedbackError(
                f"segments must end within their episode, got {length} steps from flat row "
                f"{starts[row]}, where episode {self._ids[episode[row]]} has {left[row]} steps "
                f"left ({path}, row {row}; {over.sum()} such rows). Clip them with "
                "crossing='clip' or drop them with crossing='drop'"
            )
        taken = np.where(over & (crossing == "drop"), 0, np.minimum(left, length))
        return np.stack([self._ids[episode], step, taken], axis=1)


def _starts(path: Path, expected: int, available: int, dataset_id: str) -> IntArray:
    starts = read_numbers(path)
    if starts.shape != (expected,):
        raise FeedbackError(
            f"starts must have shape ({expected},), one per label, got {starts.shape} ({path})"
        )
    wrong = ~((starts >= 0) & (starts < available) & (starts == np.floor(starts)))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise FeedbackError(
            f"a start must be a row of the flat arrays of dataset '{dataset_id}', 0 to "
            f"{available - 1}, got {starts[row]} ({path}, row {row})"
        )
    return starts.astype(np.int64)


def _lost_steps(dataset: DatasetLike, transitions: Transitions, rows: FlatRows) -> IntArray:
    """For each episode, the number of last steps that the flat arrays lack."""
    lost = np.zeros(len(transitions.episode_ids), np.int64)
    if rows == "all":
        return lost
    kept = set(transitions.episode_ids.tolist())
    cut = {
        episode: bool(found["truncations"][-1])
        for episode, found in read_episodes(resolve_dataset(dataset), ("truncations",))
        if episode in kept
    }
    lost[:] = [cut[episode] for episode in transitions.episode_ids.tolist()]
    lost[-1] = 1  # its successor is missing, whether it terminated or was truncated
    if not np.any(transitions.episode_lengths > lost):
        raise DatasetError(
            "at least one episode must have two steps, got none in dataset "
            f"'{transitions.dataset_id}'"
        )
    return lost


def _length(files: PreferenceFiles, given: int | None) -> int:
    named = files.segment_length
    if given is not None and given < 1:
        raise ConfigError(f"`segment_length` must be at least 1, got {given}")
    if named is None and given is None:
        raise ConfigError(
            "`segment_length` must be given, since the file names in "
            f"{files.labels.parent} do not contain it"
        )
    if named is not None and given not in (None, named):
        raise ConfigError(
            f"`segment_length` must be {named}, as in the file names, got {given} "
            f"({files.labels.parent})"
        )
    length = named if given is None else given
    assert length is not None
    return length


def _provenance(
    files: PreferenceFiles, length: int, rows: FlatRows, crossing: Crossing
) -> dict[str, object]:
    names: Sequence[Path] = (files.labels, files.first, files.second)
    return {
        "source": "human preferences",
        "files": [path.name for path in names],
        "segment_length": length,
        "rows": rows,
        "crossing": crossing,
    }
