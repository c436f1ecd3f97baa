"""From what a user names to what an algorithm is given: transitions, and the labels on them."""

import numpy as np

from sb3_presa.data.datasets import DatasetLike
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import FeedbackError
from sb3_presa.feedback.left_out import align_and_warn
from sb3_presa.feedback.table import Feedback


def read_data(
    dataset: DatasetLike, feedback: str | Feedback | None
) -> tuple[Transitions, Feedback]:
    """
    :param dataset: a Minari dataset, its id, or the path of its folder
    :param feedback: name of the feedback set that lies beside the dataset, or labels, or ``None``
    :return: the dataset's transitions, and the labels of the episodes that it has
    :raises DatasetError: if the dataset cannot be used
    :raises FeedbackError: if the labels cannot be used
    """
    check_feedback(feedback)
    transitions = load_transitions(dataset)
    if isinstance(feedback, str):
        feedback = Feedback.load(dataset, feedback)
    if feedback is None or not len(feedback.segments):
        return transitions, feedback or _no_feedback(transitions)
    return transitions, align_and_warn(feedback, dataset, transitions)


def check_feedback(feedback: object) -> None:
    """
    :param feedback: what was given as feedback
    :raises FeedbackError: if it is none
    """
    if not isinstance(feedback, str | Feedback | None):
        raise FeedbackError(
            f"the feedback is {feedback!r}; allowed are the name of a feedback set, a Feedback, "
            "or None"
        )


def _no_feedback(transitions: Transitions) -> Feedback:
    return Feedback(
        segments=np.zeros((0, 3), dtype=np.int64),
        p_safe=np.zeros(0, dtype=np.float32),
        comparisons=np.zeros((0, 2), dtype=np.int64),
        preferences=np.zeros(0, dtype=np.float32),
        episode_hashes={},
        dataset_id=transitions.dataset_id,
        provenance={},
    )
