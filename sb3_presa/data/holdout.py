"""Keeping a share of the labels aside, by episode."""

import numpy as np
from numpy.typing import NDArray

from sb3_presa.data.feedback import Feedback


def split_feedback(feedback: Feedback, fraction: float, seed: int) -> tuple[Feedback, Feedback]:
    """
    Splits labels into those to train on and those to test on. Episodes are drawn until about
    ``fraction`` of the labels touch one of them; every label that touches one is held out, so
    no label of such an episode is ever trained on.

    :param feedback: labels
    :param fraction: share of the labels to hold out, in [0, 1)
    :param seed: seed of the draw
    :return: labels to train on, labels held out
    """
    if fraction == 0.0:  # the labels themselves: a copy of a million costs as much as they do
        nothing = np.zeros(len(feedback.segments), dtype=bool)
        return feedback, feedback.subset(nothing)
    episodes, episode_of = np.unique(feedback.segments[:, 0], return_inverse=True)
    held = np.zeros(len(episodes), dtype=bool)
    order = np.random.default_rng(seed).permutation(len(episodes))
    n_labels = len(feedback.comparisons) + int(np.sum(~np.isnan(feedback.p_safe)))
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


def _n_touched(feedback: Feedback, segment_held: NDArray[np.bool_]) -> int:
    comparisons = int(segment_held[feedback.comparisons].any(axis=1).sum())
    return comparisons + int((segment_held & ~np.isnan(feedback.p_safe)).sum())


def _select(
    feedback: Feedback, safety: NDArray[np.bool_], comparisons: NDArray[np.bool_]
) -> Feedback:
    """The labels where the masks say so, with the segments that they need."""
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
    )
