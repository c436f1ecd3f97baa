"""The steps of labelled segments that safety models are fitted to."""

from typing import Final, NamedTuple

import numpy as np

from sb3_presa.completion.features import Floats
from sb3_presa.completion.label_arrays import Integers, Labels

#: Most and fewest steps sampled of a long segment to fit a safety model, and most of all segments
#: together. Steps that cost may be few, and a sample of a segment must hold its share of them.
_MOST_STEPS: Final = 64
_LEAST_STEPS: Final = 16
_STEPS_OF_ALL: Final = 65_536
#: Of few segments more are sampled, as many as of 600: each label must then tell more.
_STEPS_OF_FEW: Final = 38_400


class SampledSteps(NamedTuple):
    """Steps sampled of the segments that have a safety label."""

    rows: Integers  #: (M,)
    segment_of: Integers  #: (M,)
    steps_for: Floats  #: how many steps each stands for, (M,)


def sample_steps(labels: Labels, generator: np.random.Generator) -> SampledSteps:
    """
    One step of each of equal parts of a segment, or all of a short one.

    :param labels: the labels
    :param generator: source of randomness
    :return: steps of the segments that have a safety label
    """
    segments = np.flatnonzero(~np.isnan(labels.p_safe))
    most = _STEPS_OF_ALL // _LEAST_STEPS
    if len(segments) > most:
        segments = np.sort(generator.choice(segments, most, replace=False))
    n = max(1, len(segments))
    n_steps = min(max(_MOST_STEPS, _STEPS_OF_FEW // n), _STEPS_OF_ALL // n)
    counts = np.minimum(labels.lengths[segments], n_steps)
    segment_of = np.repeat(segments, counts)
    index = np.arange(len(segment_of)) - np.repeat(np.cumsum(counts) - counts, counts)
    stride = labels.lengths[segment_of] / np.repeat(counts, counts)
    offset = generator.random(len(segment_of))
    places = ((index + np.where(stride > 1.0, offset, 0.0)) * stride).astype(np.int64)
    places = np.minimum(places, labels.lengths[segment_of] - 1)
    return SampledSteps(labels.starts[segment_of] + places, segment_of, stride)
