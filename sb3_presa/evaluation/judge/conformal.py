"""A threshold of P(safe) with a probability that it stands for."""

import math
from dataclasses import dataclass

import numpy as np

from sb3_presa.arguments import ShareWithin, check_arguments
from sb3_presa.completion.features import Floats


@dataclass(frozen=True)
class Threshold:
    """
    A segment that people would call unsafe passes with a probability of at most ``alpha``, if it is
    drawn as the labelled ones were.

    :param value: the threshold; infinite if there are too few labels of "unsafe" for ``alpha``
    :param alpha: the probability, in (0, 1)
    :param n: labels of "unsafe" that it was taken from
    """

    value: float
    alpha: float
    n: int


def check_alpha(alpha: ShareWithin) -> None:
    """
    :param alpha: probability that an unsafe segment passes
    :raises ConfigError: if it is no number in (0, 1)
    """
    check_arguments(check_alpha, {"alpha": alpha})


def conformal_threshold(chance: Floats, labels: Floats, alpha: float) -> Threshold:
    """
    Split conformal prediction within the class of unsafe segments: of n + 1 exchangeable segments
    each is equally likely to have the k-th highest P(safe).

    :param chance: P(safe) of labelled segments by models that have not seen their labels, (n,)
    :param labels: the labels, in [0, 1], (n,)
    :param alpha: probability, in (0, 1), that an unsafe segment passes
    :return: the threshold
    :raises ConfigError: if ``alpha`` is out of its range
    """
    check_alpha(alpha)
    unsafe = np.sort(chance[labels < 0.5])
    place = math.ceil((len(unsafe) + 1) * (1.0 - alpha))
    value = float(unsafe[place - 1]) if place <= len(unsafe) else math.inf
    return Threshold(value, alpha, len(unsafe))
