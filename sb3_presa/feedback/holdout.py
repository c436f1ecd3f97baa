"""Holds out a share of the labels, by episode."""

import warnings

import numpy as np
from numpy.typing import NDArray

from sb3_presa.errors import FeedbackError
from sb3_presa.feedback.table import Feedback


def hold_out(feedback: Feedback, fraction: float, seed: int) -> tuple[Feedback, Feedback]:
    """
    :func:`split_feedback` for ``validation_fraction``, with a warning if nothing is held out.

    :param feedback: labels
    :param fraction: share of the labels to hold out, in [0, 1)
    :param seed: seed of the draw
    :return: labels to train on, labels held out
    :raises FeedbackError: if all comparisons, or all safety labels, would be held out
    """
    training, held_out = split_feedback(feedback, fraction, seed)
    for what, count in (("comparisons", _n_comparisons), ("safety labels", _n_safety_labels)):
        if count(feedback) and not count(training):
            raise FeedbackError(
                f"`validation_fraction` must leave some of the {count(feedback)} {what} to train "
                f"on, got {fraction}, which leaves none (whole episodes are held out); set it to "
                "0, or label more episodes"
            )
    if fraction and len(training.segments) == len(feedback.segments):
        warnings.warn(
            f"`validation_fraction` is {fraction}, but no label is held out: too few episodes have "
            "labels",
            stacklevel=5,
        )
    return training, held_out


def split_feedback(feedback: Feedback, fraction: float, seed: int) -> tuple[Feedback, Feedback]:
    """
    Splits labels into a training set and a test set. Episodes are drawn until about ``fraction``
    of the labels use one of them. All labels that use a drawn episode are held out, so that no
    label of such an episode is trained on.

    :param feedback: labels
    :param fraction: share of the labels to hold out, in [0, 1)
    :param seed: seed of the draw
    :return: labels to train on, labels held out
    """
    if fraction == 0.0:  # not a copy, which takes as much memory as the labels
        nothing = np.zeros(len(feedback.segments), dtype=bool)
        return feedback, feedback.subset(nothing)
    episodes, episode_of = np.unique(feedback.segments[:, 0], return_inverse=True)
    held = np.zeros(len(episodes), dtype=bool)
    order = np.random.default_rng(seed).permutation(len(episodes))
    n_labels = feedback.n_labels
    low, high = 0, len(episodes) - 1
    while low < high:  # the smallest number of episodes that reaches the fraction
        middle = (low + high) // 2
        held[:] = False
        held[order[:middle]] = True
        if _n_touched(feedback, held[episode_of]) >= fraction * n_labels:
            high = middle
        else:
            low = middle + 1
    held[:] = False
    held[order[:low]] = True
    segment_held = held[episode_of]
    pair_held: NDArray[np.bool_] = np.any(segment_held[feedback.comparisons], axis=1)
    return (
        _select(feedback, ~segment_held, ~pair_held),
        _select(feedback, segment_held, pair_held),
    )


def _n_comparisons(feedback: Feedback) -> int:
    return len(feedback.comparisons)


def _n_safety_labels(feedback: Feedback) -> int:
    return int(np.sum(~np.isnan(feedback.p_safe)))


def _n_touched(feedback: Feedback, segment_held: NDArray[np.bool_]) -> int:
    comparisons = int(segment_held[feedback.comparisons].any(axis=1).sum())
    return comparisons + int((segment_held & ~np.isnan(feedback.p_safe)).sum())


def _select(
    feedback: Feedback, safety: NDArray[np.bool_], comparisons: NDArray[np.bool_]
) -> Feedback:
    """The labels selected by the masks, with their segments."""
    pairs = feedback.comparisons[comparisons]
    keep = safety.copy()
    keep[pairs.ravel()] = True
    row = np.cumsum(keep) - 1
    segments = feedback.segments[keep]
    ids = set(segments[:, 0].tolist())
    return Feedback(
        segments=segments,
        p_safe=np.where(safety, feedback.p_safe, np.nan).astype(np.float32)[keep],
        comparisons=row[pairs],
        preferences=feedback.preferences[comparisons],
        episode_hashes={k: v for k, v in feedback.episode_hashes.items() if k in ids},
        dataset_id=feedback.dataset_id,
        provenance=feedback.provenance,
        weights=None if feedback.weights is None else feedback.weights[keep],
        levels=feedback.levels,
    )
