"""The segments worth imitating: the best of those that are safe, as far as labels tell."""

import warnings
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sb3_presa.completion.features import Floats

#: Share of the safe segments that is imitated, and the fewest segments: this many, or a tenth of
#: all where there are few.
TOP_SHARE: Final = 0.1
LEAST: Final = 20
LEAST_OF_FEW: Final = 5


def select(n: int, p_safe: Floats | None, merit: Floats | None, level: float) -> NDArray[np.bool_]:
    """
    The tenth with the highest merit of those whose P(safe) reaches a level, at least 20 segments or
    a tenth of all.
    Safety is a hard bound, because a few unsafe segments in ten spoil a clone; merit is a rank.

    :param n: U, number of segments
    :param p_safe: probability that each segment is safe, (U,); ``None`` where nothing is known
    :param merit: predicted reward of each, (U,); ``None`` where nothing is known: all that is safe
        is imitated
    :param level: lowest P(safe)
    :return: which segments to imitate, (U,)
    """
    candidates = np.ones(n, dtype=bool)
    least = min(n, max(LEAST_OF_FEW, min(LEAST, n // 10)))
    if p_safe is not None:
        candidates = p_safe >= level
        if candidates.sum() < least:
            safest = np.argsort(-p_safe, kind="stable")[:least]
            warnings.warn(
                f"{candidates.sum()} of {n} segments are safe with a probability of at least "
                f"{level:g}: the {least} safest are used, with a mean probability of "
                f"{p_safe[safest].mean():.2f}. Label more segments, or lower `safety_level`.",
                stacklevel=2,
            )
            candidates[safest] = True
    if merit is None:
        return candidates
    kept = max(least, round(TOP_SHARE * candidates.sum()))
    best = np.argsort(np.where(candidates, -merit, np.inf), kind="stable")[:kept]
    chosen = np.zeros(n, dtype=bool)
    chosen[best] = True
    return chosen & candidates
