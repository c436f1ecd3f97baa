"""Data that are clips, cut from episodes that nobody kept."""

from typing import Final

import numpy as np

from sb3_presa.completion.features import observation_vectors, sampled_rows
from sb3_presa.data.transitions import Transitions
from sb3_presa.feedback.table import Feedback

#: Of fewer starts the spread is not known.
_FEWEST: Final = 20
#: Share of the variance of every coordinate that starts of clips have. Of 20 starts the smallest of
#: sixty such shares is about .3; where a simulator or a robot begins, something is at rest.
_AS_SPREAD: Final = 0.25
#: A variance below this share of a coordinate's squared size is rounding.
_RESOLUTION: Final = 1e-12


def labels_are_of_clips(transitions: Transitions, feedback: Feedback) -> bool:
    """
    Whether what was labelled is whole recordings that begin anywhere: clips, of which each shows a
    part of the way. The best of them show where it is good to be and not how to get there, so
    imitating these alone fails from where an episode begins.

    :param transitions: the data
    :param feedback: labels on them
    :return: whether each labelled segment is all of its recording, and no coordinate of the
        observation is at rest where recordings begin
    """
    if len(transitions.episode_ids) < _FEWEST or not _are_whole(transitions, feedback):
        return False
    first = observation_vectors(transitions, transitions.episode_starts)
    every = observation_vectors(transitions, sampled_rows(transitions))
    variance = every.var(axis=0)
    varies = variance > _RESOLUTION * np.maximum(
        np.square(every.mean(axis=0)), np.finfo(np.float64).tiny
    )
    shares = first.var(axis=0)[varies] / variance[varies]
    return bool(len(shares) > 0 and shares.min() >= _AS_SPREAD)


def _are_whole(transitions: Transitions, feedback: Feedback) -> bool:
    lengths = dict(
        zip(transitions.episode_ids.tolist(), transitions.episode_lengths.tolist(), strict=True)
    )
    return all(
        start == 0 and steps == lengths[episode]
        for episode, start, steps in feedback.segments.tolist()
    )
