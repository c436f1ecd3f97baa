"""Data that are clips, cut from episodes that nobody kept."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sb3_presa.completion.features import Floats, observation_vectors, sampled_rows, varying
from sb3_presa.data.transitions import Transitions
from sb3_presa.feedback.table import Feedback

#: Of fewer starts the spread is not known.
_FEWEST: Final = 20
#: Share of the variance of every coordinate that starts of clips have. Of 20 starts the smallest of
#: sixty such shares is about .3; where a simulator or a robot begins, something is at rest.
_AS_SPREAD: Final = 0.25
#: Starts at which the rarer of two values of a coordinate is expected; of fewer it may be missing.
_EXPECTED: Final = 5


def tells_safety(feedback: Feedback) -> bool:
    """
    :param feedback: labels
    :return: whether segments are labelled safe and others unsafe
    """
    return bool((feedback.p_safe > 0.5).any() and (feedback.p_safe < 0.5).any())


def labels_are_of_clips(transitions: Transitions, feedback: Feedback) -> bool:
    """
    Whether comparisons are all that tells segments apart, and these are whole recordings that begin
    anywhere: clips, of which each shows a part of the way. The best of them show where it is good
    to be and not how to get there, so imitating these alone fails from where an episode begins.

    :param transitions: the data
    :param feedback: labels on them
    :return: whether safety labels tell nothing, each labelled segment is all of its recording, and
        no coordinate of the observation is at rest where recordings begin
    """
    if not len(feedback.comparisons) or tells_safety(feedback):
        return False
    if len(transitions.episode_ids) < _FEWEST or not _are_whole(transitions, feedback):
        return False
    first = observation_vectors(transitions, transitions.episode_starts)
    every = observation_vectors(transitions, sampled_rows(transitions))
    tells = varying(every) & ~_are_rare_flags(every, len(first))
    shares = first.var(axis=0)[tells] / every.var(axis=0)[tells]
    return bool(len(shares) > 0 and shares.min() >= _AS_SPREAD)


def _are_rare_flags(every: Floats, n_starts: int) -> NDArray[np.bool_]:
    """Coordinates of two values, of which some starts may show one alone by chance."""
    least, most = every.min(axis=0), every.max(axis=0)
    flags = ((every == least) | (every == most)).all(axis=0)
    up = (every == most).mean(axis=0)
    return np.asarray(flags & (n_starts * np.minimum(up, 1.0 - up) < _EXPECTED))


def _are_whole(transitions: Transitions, feedback: Feedback) -> bool:
    """Of segments that nobody compared or judged, the length tells nothing."""
    used = ~np.isnan(feedback.p_safe)
    used[feedback.comparisons] = True
    lengths = dict(
        zip(transitions.episode_ids.tolist(), transitions.episode_lengths.tolist(), strict=True)
    )
    return all(
        start == 0 and steps == lengths[episode]
        for episode, start, steps in feedback.segments[used].tolist()
    )
