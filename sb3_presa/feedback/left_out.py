"""Warns about labels whose episodes are missing."""

import warnings

from sb3_presa.data.datasets import DatasetLike, resolve_dataset
from sb3_presa.data.transitions import Transitions
from sb3_presa.feedback.table import Feedback


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
