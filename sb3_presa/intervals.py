"""Confidence intervals of shares."""

import math
from typing import TypeAlias

Interval: TypeAlias = tuple[float, float]


def wilson(successes: float, n: int) -> Interval:
    """
    Wilson's 95% interval of a share. Unlike that of a bootstrap, it has a positive width even if
    all trials are equal.

    :param successes: number of successes; a tie may count as half
    :param n: number of trials, at least 1
    :return: its ends
    """
    z = 1.959963984540054
    share, scale = successes / n, 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # Exact ends: rounding would leave 0 of 7 above 0, and so the share outside of its interval
    low = middle - half if successes > 0 else 0.0
    return max(0.0, low), min(1.0, middle + half if successes < n else 1.0)
