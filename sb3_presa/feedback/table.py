"""Human feedback on a dataset: segments, comparisons and safety labels."""

import importlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from sb3_presa.data.datasets import DatasetLike, resolve_dataset
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import FeedbackError
from sb3_presa.feedback.checks import (
    FloatArray,
    IntArray,
    check_comparisons,
    check_ends,
    check_known,
    check_levels,
    check_segments,
    integers,
    labels,
    plain_json,
    probabilities,
    weights,
)
from sb3_presa.feedback.file import (
    feedback_names,
    feedback_path,
    read_feedback,
    require_feedback_path,
    write_feedback,
)
from sb3_presa.feedback.synthetic import LabelOptions, label_dataset


@dataclass(frozen=True, eq=False, kw_only=True)
class Feedback:
    """Labels on segments of a dataset's episodes. Labels may be incomplete.

    A segment may have a safety label, be part of comparisons, or both. The two segments of a
    comparison may differ in length. Everything is checked on construction, and the arrays are
    read-only. Make feedback with :meth:`create` (your own labels), :meth:`synthetic` (from
    recorded rewards and costs) or :meth:`load`.

    :param segments: ``(S, 3)`` int64, rows of (episode id, first step, number of steps).
    :param p_safe: ``(S,)`` float32, probability in [0, 1] that the segment is safe: a hard label
        is 1 or 0, NaN means not labelled.
    :param comparisons: ``(C, 2)`` int64, pairs of two different row numbers of ``segments``.
    :param preferences: ``(C,)`` float32, probability in [0, 1] that the FIRST segment of the
        comparison is preferred; 0.5 is a tie.
    :param weights: ``(S,)`` float32, at least 0: how much of each segment is worth imitating, for
        algorithms that imitate the best; ``(S, G)`` with ``levels``. None: the labels alone decide.
    :param episode_hashes: for every episode id in ``segments``, the 32 bytes of
        :func:`~sb3_presa.data.transitions.episode_hash`, by which labels are matched with data.
    :param dataset_id: Minari id of the labelled dataset.
    :param provenance: the origin of the labels; JSON values only.
    :param levels: ``(G,)`` float64 in (0, 1), rising: the safety level that each column of
        ``weights`` is for. None: ``weights`` are for one level.
    :raises FeedbackError: if a row is invalid; the message names the row, its value and the
        constraint.
    """

    segments: IntArray
    p_safe: FloatArray
    comparisons: IntArray
    preferences: FloatArray
    episode_hashes: Mapping[int, bytes]
    dataset_id: str
    provenance: Mapping[str, Any] = field(default_factory=dict)
    weights: FloatArray | None = None
    levels: npt.NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        segments = integers(self.segments, 3, "segments")
        comparisons = integers(self.comparisons, 2, "comparisons")
        p_safe = probabilities(self.p_safe, len(segments), "p_safe", nan_allowed=True)
        preferences = probabilities(self.preferences, len(comparisons), "preferences")
        hashes = {int(key): bytes(value) for key, value in self.episode_hashes.items()}
        check_segments(segments, hashes)
        check_comparisons(comparisons, len(segments))
        arrays: dict[str, npt.NDArray[Any]] = {
            "segments": segments,
            "p_safe": p_safe,
            "comparisons": comparisons,
            "preferences": preferences,
        }
        if self.weights is not None:
            found = None if self.levels is None else check_levels(self.levels)
            arrays["weights"] = weights(self.weights, len(segments), found)
            if found is not None:
                arrays["levels"] = found
        elif self.levels is not None:
            raise FeedbackError("`levels` must be None without `weights`, got numbers")
        for name, array in arrays.items():
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        used = {episode: hashes[episode] for episode in np.unique(segments[:, 0]).tolist()}
        object.__setattr__(self, "episode_hashes", used)
        object.__setattr__(self, "provenance", plain_json(self.provenance))

    def __repr__(self) -> str:
        unsafe = int(np.sum(self.p_safe < 0.5))
        labelled = int(np.sum(~np.isnan(self.p_safe)))
        return (
            f"Feedback(dataset_id={self.dataset_id!r}, segments={len(self.segments)}, "
            f"comparisons={len(self.comparisons)}, safety_labels={labelled}, unsafe={unsafe})"
        )

    @property
    def n_labels(self) -> int:
        """Comparisons and safety labels together."""
        return len(self.comparisons) + int(np.sum(~np.isnan(self.p_safe)))

    @classmethod
    def create(
        cls,
        dataset: DatasetLike | Transitions,
        segments: npt.ArrayLike,
        p_safe: Sequence[float | bool | None] | npt.ArrayLike | None = None,
        comparisons: npt.ArrayLike | None = None,
        preferences: Sequence[float] | npt.ArrayLike | None = None,
        provenance: Mapping[str, Any] | None = None,
        weights: npt.ArrayLike | None = None,
        levels: Sequence[float] | None = None,
    ) -> Self:
        """Feedback from your own labels.

        :param dataset: the labelled dataset: a Minari id, a path, an open dataset, or its
            transitions.
        :param segments: ``(S, 3)``, rows of (episode id, first step, number of steps).
        :param p_safe: ``(S,)``, True or 1 for safe, False or 0 for unsafe, a number in between for
            unsure, None or NaN for not labelled. None: no safety labels at all.
        :param comparisons: ``(C, 2)``, pairs of row numbers of ``segments``. None: no comparisons.
        :param preferences: ``(C,)``, 1 if the first segment is preferred, 0 if the second is, 0.5
            for a tie. None: the first is preferred in every comparison.
        :param provenance: the origin of the labels, stored with them.
        :param weights: ``(S,)``, at least 0: how much of each segment is worth imitating;
            ``(S, G)`` with ``levels``.
        :param levels: the safety level of each column of ``weights``, in (0, 1), rising.
        :return: the checked feedback.
        :raises FeedbackError: if a row is invalid; the message names the row, its value and the
            constraint.
        """
        transitions = dataset if isinstance(dataset, Transitions) else load_transitions(dataset)
        rows = integers(segments, 3, "segments")
        pairs = integers([] if comparisons is None else comparisons, 2, "comparisons")
        if p_safe is None:
            p_safe = np.full(len(rows), np.nan)
        if preferences is None:
            preferences = np.ones(len(pairs))
        if len(rows) == 0:
            raise FeedbackError("`segments` must have at least one row, got none")
        check_known(rows, transitions)
        check_ends(rows, rows[:, 0], transitions)
        by_id = transitions.hashes_by_id()
        return cls(
            segments=rows,
            p_safe=labels(p_safe, "p_safe"),
            comparisons=pairs,
            preferences=labels(preferences, "preferences"),
            episode_hashes={episode: by_id[episode] for episode in np.unique(rows[:, 0]).tolist()},
            dataset_id=transitions.dataset_id,
            provenance={"source": "created"} if provenance is None else provenance,
            weights=None if weights is None else labels(weights, "weights"),
            levels=None if levels is None else np.asarray(levels, dtype=np.float64),
        )

    @classmethod
    def synthetic(
        cls,
        dataset: DatasetLike,
        n_comparisons: int = 5000,
        segment_length: int | None = None,
        *,
        cost_limit: float,
        seed: int = 0,
        flip_preferences: float = 0.0,
        flip_safety: float = 0.0,
        unlabelled_preferences: float = 0.0,
        unlabelled_safety: float = 0.0,
    ) -> Self:
        """Feedback from the dataset's own rewards and costs.

        Pairs of different segments are drawn uniformly over episodes, then over starts. The first
        is preferred (1) if its undiscounted return is higher, and not (0) if it is lower. The
        preference is 0.5 if the two returns agree within rounding (``1e-6 * max(1, |return|)``). A
        segment of L steps is safe if its cost is at most ``cost_limit * L / T``, with the task's
        horizon T. The labels depend only on the data, these options and the seed. Each option has
        its own random stream: a change of one does not change the draws of another.

        :param dataset: a Minari id, a path or an open dataset, with ``infos["cost"]``.
        :param n_comparisons: pairs to draw, >= 1. A segment that is drawn more than once is one row
            of ``segments``, with one safety label.
        :param segment_length: steps of a segment, >= 1; None is the task's horizon. Shorter
            episodes are used as a whole.
        :param cost_limit: the largest cost return of a full episode that counts as safe, >= 0.
        :param seed: an integer >= 0.
        :param flip_preferences: probability in [0, 1] that a preference is flipped.
        :param flip_safety: probability in [0, 1] that a safety label is flipped.
        :param unlabelled_preferences: probability in [0, 1] that a comparison is left out (its
            segments stay).
        :param unlabelled_safety: probability in [0, 1] that a segment gets no safety label.
        :return: the labels; their provenance records every option.
        :raises ConfigError: if an option is out of its range.
        :raises DatasetError: if the dataset has no costs.
        :raises FeedbackError: if the dataset has fewer than two different segments.
        """
        options = LabelOptions(
            n_comparisons=n_comparisons,
            segment_length=segment_length,
            cost_limit=cost_limit,
            seed=seed,
            flip_preferences=flip_preferences,
            flip_safety=flip_safety,
            unlabelled_preferences=unlabelled_preferences,
            unlabelled_safety=unlabelled_safety,
        )
        return cls(**label_dataset(resolve_dataset(dataset), options))

    def save(self, dataset: DatasetLike, name: str = "default") -> Path:
        """Write the labels atomically to the dataset's folder.

        :param dataset: the labelled dataset: a Minari id, a path or an open dataset.
        :param name: letters, digits, ``-``, ``_`` and ``.``; an older set with this name is
            replaced.
        :return: the written file.
        :raises FeedbackError: if the name is invalid, or the labels are of another dataset none of
            whose episodes is in this one.
        """
        opened = resolve_dataset(dataset)
        path = feedback_path(opened, name)
        if self.dataset_id != opened.id and self.episode_hashes:
            self.align(opened)  # a part or a copy keeps its labels; other data would lose theirs
        write_feedback(path, vars(self))
        return path

    @classmethod
    def load(cls, dataset: DatasetLike, name: str = "default") -> Self:
        """Read labels from the dataset's folder, and check them.

        They are returned as stored. :meth:`align` matches them with the dataset's episodes.

        :param dataset: a Minari id, a path or an open dataset.
        :param name: the name under which they were saved.
        :return: the labels.
        :raises FeedbackNotFoundError: if the dataset has no feedback with this name.
        :raises FeedbackError: if the file is damaged or of a newer version, or a row is invalid.
        """
        path = require_feedback_path(resolve_dataset(dataset), name)
        tables = read_feedback(path)
        try:
            return cls(**tables)
        except FeedbackError as error:
            raise FeedbackError(f"{path}: {error}") from error

    @staticmethod
    def names(dataset: DatasetLike) -> list[str]:
        """The names of a dataset's feedback sets, sorted.

        :param dataset: a Minari id, a path or an open dataset.
        """
        return feedback_names(resolve_dataset(dataset))

    def complete(self, dataset: DatasetLike | Transitions, **options: Any) -> Any:
        """Estimates for all of a dataset from these labels alone.

        :param dataset: the labelled dataset: a Minari id, a path, an open dataset, or its
            transitions.
        :param options: as for :func:`sb3_presa.completion.complete`.
        :return: a :class:`~sb3_presa.completion.Completion`; its ``feedback()`` can be saved and
            trained on.
        """
        # A method for convenience, of a room above this one: found by its name when it is called
        completion = importlib.import_module("sb3_presa.completion")
        return completion.complete(dataset, self, **options)

    def align(self, dataset: DatasetLike | Transitions) -> Self:
        """These labels, matched with the episodes of a dataset by the episodes' content.

        A dataset that was extended, filtered, split, combined or renumbered keeps the labels of its
        remaining episodes. Labels of other episodes are left out, with their comparisons; labels
        are never applied to other data.

        :param dataset: a Minari id, a path, an open dataset, or its transitions.
        :return: the labels with the ids of ``dataset``.
        :raises FeedbackError: if none of the labelled episodes is in ``dataset``, or a segment
            ends after its episode.
        """
        transitions = dataset if isinstance(dataset, Transitions) else load_transitions(dataset)
        new_ids = _match_episodes(self.episode_hashes, transitions)
        if not new_ids:
            raise FeedbackError(
                f"the labelled episodes must be in dataset '{transitions.dataset_id}' "
                f"({len(transitions.episode_ids)} episodes), but none of the "
                f"{len(self.episode_hashes)} is: this feedback was made for other data, "
                f"'{self.dataset_id}'"
            )
        old_ids = np.asarray(sorted(self.episode_hashes), dtype=np.int64)
        target = np.asarray([new_ids.get(old, -1) for old in old_ids.tolist()], dtype=np.int64)
        episodes = target[np.searchsorted(old_ids, self.segments[:, 0])]
        kept = episodes >= 0
        check_ends(self.segments, episodes, transitions)
        aligned = self.subset(kept)
        segments = aligned.segments.copy()
        segments[:, 0] = episodes[kept]
        return replace(
            aligned,
            segments=segments,
            episode_hashes={new: self.episode_hashes[old] for old, new in new_ids.items()},
            dataset_id=transitions.dataset_id,
        )

    def subset(self, segments: npt.NDArray[np.bool_]) -> Self:
        """The feedback on some of the segments.

        :param segments: ``(S,)``, True for each segment to keep; a comparison is kept if both its
            segments are.
        :return: the smaller feedback.
        """
        new_row = np.cumsum(segments, dtype=np.int64) - 1
        compared = segments[self.comparisons].all(axis=1)
        return replace(
            self,
            segments=self.segments[segments],
            p_safe=self.p_safe[segments],
            weights=None if self.weights is None else self.weights[segments],
            comparisons=new_row[self.comparisons[compared]],
            preferences=self.preferences[compared],
        )


def _match_episodes(hashes: Mapping[int, bytes], transitions: Transitions) -> dict[int, int]:
    """Old id -> new id of each labelled episode in the data; its own id among equal episodes."""
    by_id = transitions.hashes_by_id()
    if all(by_id.get(old) == content for old, content in hashes.items()):
        return {old: old for old in hashes}  # the other episodes need not be hashed
    by_hash: dict[bytes, int] = {}
    for episode, content in by_id.items():
        by_hash.setdefault(content, episode)
    return {
        old: old if by_id.get(old) == content else by_hash[content]
        for old, content in hashes.items()
        if content in by_hash
    }


def align_and_warn(feedback: Feedback, dataset: DatasetLike, transitions: Transitions) -> Feedback:
    """
    Aligns labels, with a warning if episodes of labels are missing. The warning is omitted if the
    dataset is a chosen part of the stored one.

    :param feedback: the stored labels.
    :param dataset: the dataset.
    :param transitions: its transitions.
    :return: the labels of its episodes.
    :raises FeedbackError: as :meth:`Feedback.align` does.
    """
    aligned = feedback.align(transitions)
    lost = len(feedback.segments) - len(aligned.segments)
    if lost and _is_whole(dataset):
        warnings.warn(
            f"{lost} of {len(feedback.segments)} labelled segments and "
            f"{len(feedback.comparisons) - len(aligned.comparisons)} of "
            f"{len(feedback.comparisons)} comparisons are left out: their episodes are missing in "
            f"dataset '{transitions.dataset_id}', or have changed",
            stacklevel=3,
        )
    return aligned


def _is_whole(dataset: DatasetLike) -> bool:
    found = resolve_dataset(dataset)
    return bool(len(found.episode_indices) == found.storage.total_episodes)
