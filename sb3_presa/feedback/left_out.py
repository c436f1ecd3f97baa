"""Labels of episodes that are no longer there."""

import warnings

from sb3_presa.data.datasets import DatasetLike, resolve_dataset
from sb3_presa.data.transitions import Transitions
from sb3_presa.feedback.table import Feedback


def align_and_warn(feedback: Feedback, dataset: DatasetLike, transitions: Transitions) -> Feedback:
    """
    Labels whose episodes are gone are not to be lost silently, unless the dataset is a part of what
    is stored, which somebody chose.

    :param feedback: labels, as they are stored.
    :param dataset: the dataset.
    :param transitions: what it holds.
    :return: the labels that are of its episodes.
    :raises FeedbackError: as :meth:`Feedback.align` does.
    """
    aligned = feedback.align(transitions)
    lost = len(feedback.segments) - len(aligned.segments)
    if lost and _is_whole(dataset):
        warnings.warn(
            f"{lost} of {len(feedback.segments)} labelled segments are left out, and "
            f"{len(feedback.comparisons) - len(aligned.comparisons)} of "
            f"{len(feedback.comparisons)} comparisons: dataset '{transitions.dataset_id}' does not "
            "have their episodes, or has changed them",
            stacklevel=3,
        )
    return aligned


def _is_whole(dataset: DatasetLike) -> bool:
    found = resolve_dataset(dataset)
    return bool(len(found.episode_indices) == found.storage.total_episodes)
