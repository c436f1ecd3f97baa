"""The area under the ROC curve, with an interval that has a width even where all is right."""

import math

import numpy as np

from sb3_presa.completion.accuracy import Accuracy
from sb3_presa.completion.features import Floats

_Z = 1.959963984540054


def auc(chance: Floats, labels: Floats) -> Accuracy:
    """
    The probability that a segment labelled 1 has a higher prediction than one labelled 0, with the
    95% interval of Newcombe (Statistics in Medicine 2006, method 5): the areas whose own standard
    error, after Hanley and McNeil, reaches what was found.

    :param chance: predictions, (n,)
    :param labels: labels in [0, 1], (n,); those of 0.5 do not count
    :return: the area; NaN where a class is missing
    """
    ones, zeros = chance[labels > 0.5], chance[labels < 0.5]
    if not len(ones) or not len(zeros):
        return Accuracy(math.nan, math.nan, math.nan, len(ones) + len(zeros))
    order = np.sort(zeros)
    below = np.searchsorted(order, ones, "left")
    ties = np.searchsorted(order, ones, "right") - below
    area = float((below + 0.5 * ties).mean() / len(zeros))
    low, high = (_end(area, len(ones), len(zeros), side) for side in (0.0, 1.0))
    return Accuracy(area, low, high, len(ones) + len(zeros))


def _end(area: float, n_ones: int, n_zeros: int, end: float) -> float:
    """The area between what was found and an end of [0, 1] that is just compatible with it."""
    inside, outside = area, end
    for _ in range(60):
        middle = 0.5 * (inside + outside)
        if abs(middle - area) <= _Z * _standard_error(middle, n_ones, n_zeros):
            inside = middle
        else:
            outside = middle
    return inside


def _standard_error(area: float, n_ones: int, n_zeros: int) -> float:
    each = 0.5 * (n_ones + n_zeros) - 1.0
    spread = (1.0 - area) / (2.0 - area) + area / (1.0 + area)
    return math.sqrt(max(area * (1.0 - area) * (1.0 + each * spread), 0.0) / (n_ones * n_zeros))
