"""Labels as arrays on the rows of the data."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_presa.completion.features import Floats

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Labels:
    """
    Labels as arrays on the rows of some transitions.

    :param starts: first row of each segment, (S,)
    :param lengths: its steps, (S,)
    :param episodes: place of its episode, (S,)
    :param p_safe: probability that it is safe, NaN if not labelled, (S,)
    :param comparisons: pairs of segments, (C, 2)
    :param preferences: probability that the first is preferred, (C,)
    """

    starts: Integers
    lengths: Integers
    episodes: Integers
    p_safe: Floats
    comparisons: Integers
    preferences: Floats


class Parts(NamedTuple):
    """The part of the labels that each segment and comparison belongs to: (S,) and (C,)."""

    segments: Integers
    comparisons: Integers
