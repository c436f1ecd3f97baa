"""Public sets of human preferences, as PreferenceTransformer and Uni-RLHF release them.

A set is three pickles in a folder: where the first segments start, where the second ones do, and
the labels::

    PreferenceTransformer    indices_num500, indices_2_num500, label_human
    Uni-RLHF                 indices_1_*_len_200_*.pkl, indices_2_*.pkl, human_label_*.pkl

A start is a row of D4RL's flat arrays, a label 0 where the first is better, 1 where the second is
and -1 for a tie (the opposite of this package's preference, which is the probability of the
first: it is turned round here and nowhere else). All segments of a set have one length.
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

    :param labels: who is better.
    :param first: where the first segments start.
    :param second: where the second ones do.
    :param segment_length: steps of each segment, where the files' names say so.
    """

    labels: Path
    first: Path
    second: Path
    segment_length: int | None


def find_preference_files(folder: Path) -> PreferenceFiles:
    """Find the three files of a set by their names.

    :param folder: what holds them.
    :return: the files.
    :raises FeedbackError: if one is missing, or there are several to choose from.
    """
    if not folder.is_dir():
        raise FeedbackError(f"{folder} is no folder; a set of preferences is a folder of 3 files.")
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
                f"{folder} has {len(candidates)} files of the {what} ({', '.join(candidates)}); "
                "allowed is one each of indices*, indices_2* and *label*."
            )
    lengths = {int(match[1]) for name in names for match in _LENGTH.finditer(name)}
    if len(lengths) > 1:
        raise FeedbackError(f"{folder}: the files' names give several lengths: {sorted(lengths)}.")
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
    :param segment_length: steps of a segment, where the files' names do not say (``_len_200_``,
        ``_q100``).
    :param rows: which flat arrays the starts count in. ``"qlearning"``: those of
        ``d4rl.qlearning_dataset``, as in both releases, where an episode that was cut off has lost
        its last step, and the last episode, too. ``"all"``: every step.
    :param crossing: what to do with a segment that runs over its episode's end: ``"refuse"``,
        ``"clip"`` it at the end, or ``"drop"`` its comparison.
    :return: the comparisons, without safety labels.
    :raises ConfigError: for an argument out of its range.
    :raises FeedbackError: naming the file and the row that is wrong.
    :raises DatasetError: if the dataset cannot be read.
    """
    if rows not in get_args(FlatRows):
        raise ConfigError(f"rows is {rows!r}; allowed are 'qlearning' and 'all'")
    if crossing not in get_args(Crossing):
        raise ConfigError(f"crossing is {crossing!r}; allowed are 'refuse', 'clip' and 'drop'")
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
    kept &= ~same  # a segment compared with itself says nothing
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

    :param path: a pickle of 0 (the first is better), 1 (the second), -1 (a tie), one a comparison;
        or of rows of two probabilities, as the releases write labels of scripted teachers.
    :return: ``(N,)``, P(the first is preferred).
    :raises FeedbackError: naming the row that holds anything else.
    """
    labels = read_numbers(path)
    if labels.ndim == 2:
        wrong = (labels < 0) | (labels > 1)
        bad = wrong.any(axis=1) | ~np.isclose(labels.sum(axis=1), 1.0)
        if labels.shape[1] != 2 or bad.any():
            row = int(np.argmax(bad))
            raise FeedbackError(
                f"{path}, row {row}: {labels[row].tolist()}; allowed are two probabilities."
            )
        return labels[:, 0].astype(np.float64)
    bad = ~np.isin(labels, (0, 1, -1))
    if bad.any():
        row = int(np.argmax(bad))
        raise FeedbackError(
            f"{path}, row {row}: {labels[row]}; allowed are 0 (the first is better), 1 (the "
            "second) and -1 (a tie)."
        )
    return np.where(labels == -1, 0.5, 1.0 - labels)


class _FlatRows:
    """Rows of flat arrays, and the episodes and steps that they are."""

    def __init__(self, transitions: Transitions, lost: IntArray) -> None:
        self._ids = transitions.episode_ids
        self._lengths = transitions.episode_lengths - lost
        self._ends = np.cumsum(self._lengths)
        self._dataset_id = transitions.dataset_id

    def segments(self, path: Path, length: int, expected: int, crossing: Crossing) -> IntArray:
        """``(N, 3)``, the segments that start at a file's rows; length 0 where one is dropped."""
        starts = _starts(path, expected, int(self._ends[-1]), self._dataset_id)
        episode = np.searchsorted(self._ends, starts, side="right")
        step = starts - (self._ends[episode] - self._lengths[episode])
        left = self._lengths[episode] - step
        over = left < length
        if over.any() and crossing == "refuse":
            row = int(np.argmax(over))
            raise FeedbackError(
                f"{path}, row {row}: {length} steps from flat row {starts[row]} run over the end "
                f"of episode {self._ids[episode[row]]}, which has {left[row]} left ({over.sum()} "
                "such rows); crossing='clip' ends them there, crossing='drop' leaves them out."
            )
        taken = np.where(over & (crossing == "drop"), 0, np.minimum(left, length))
        return np.stack([self._ids[episode], step, taken], axis=1)


def _starts(path: Path, expected: int, available: int, dataset_id: str) -> IntArray:
    starts = read_numbers(path)
    if starts.shape != (expected,):
        raise FeedbackError(
            f"{path} has numbers of shape {starts.shape}; the labels ask for ({expected},)."
        )
    wrong = ~((starts >= 0) & (starts < available) & (starts == np.floor(starts)))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise FeedbackError(
            f"{path}, row {row}: {starts[row]}; allowed are rows 0 to {available - 1} of the flat "
            f"arrays of dataset '{dataset_id}'."
        )
    return starts.astype(np.int64)


def _lost_steps(dataset: DatasetLike, transitions: Transitions, rows: FlatRows) -> IntArray:
    """For each episode, the steps at its end that the flat arrays do not have."""
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
    lost[-1] = 1  # what follows it is not there, whichever way it ended
    if not np.any(transitions.episode_lengths > lost):
        raise DatasetError(f"Dataset '{transitions.dataset_id}' has no episode of two steps.")
    return lost


def _length(files: PreferenceFiles, given: int | None) -> int:
    named = files.segment_length
    if given is not None and given < 1:
        raise ConfigError(f"segment_length is {given}; it must be at least 1")
    if named is None and given is None:
        raise ConfigError(
            f"segment_length is not given, and the names in {files.labels.parent} do not say it"
        )
    if named is not None and given not in (None, named):
        raise ConfigError(
            f"segment_length is {given}, and the names in {files.labels.parent} say {named}"
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
