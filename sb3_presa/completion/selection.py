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
#: Share of the safe segments that is the better part, whose beginnings are imitated, too; the share
#: of an episode that is its beginning; and the share of what is imitated that beginnings have.
_BETTER: Final = 0.5
_BEGINNING: Final = 0.1
_OF_IMITATED: Final = 0.15


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
    candidates = _candidates(n, p_safe, level)
    if p_safe is not None and (n_safe := int((p_safe >= level).sum())) < candidates.sum():
        warnings.warn(
            f"{n_safe} of {n} segments are safe with a probability of at least {level:g}: the "
            f"{candidates.sum()} safest are used, with a mean probability of "
            f"{p_safe[candidates].mean():.2f}. Label more segments, or lower `safety_level`.",
            stacklevel=2,
        )
    return candidates if merit is None else _best(candidates, merit, TOP_SHARE)


def select_better(p_safe: Floats | None, merit: Floats, level: float) -> NDArray[np.bool_]:
    """
    The better half of what is safe. Its beginnings are imitated, too: the few episodes that are
    imitated whole show few of the states in which episodes begin, and a clone that is lost at once
    costs most.

    :param p_safe: as for :func:`select`
    :param merit: as for :func:`select`
    :param level: as for :func:`select`
    :return: which segments are of it, (U,)
    """
    return _best(_candidates(len(merit), p_safe, level), merit, _BETTER)


def beginnings_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """
    :param lengths: steps of segments, (B,)
    :return: steps of their beginnings, (B,)
    """
    return np.asarray(np.maximum(1, np.rint(_BEGINNING * lengths)), dtype=np.int64)


def weight_of_beginnings(n_whole: int, n_beginning: int) -> float:
    """
    :param n_whole: steps that are imitated of whole segments, each with weight 1
    :param n_beginning: steps of beginnings, at least 1
    :return: the weight of a step of a beginning, in (0, 1]
    """
    return min(1.0, _OF_IMITATED / (1.0 - _OF_IMITATED) * n_whole / n_beginning)


def _least(n: int) -> int:
    return min(n, max(LEAST_OF_FEW, min(LEAST, n // 10)))


def _candidates(n: int, p_safe: Floats | None, level: float) -> NDArray[np.bool_]:
    """Whether each segment is safe, or among the safest where too few are, (U,)."""
    if p_safe is None:
        return np.ones(n, dtype=bool)
    candidates = np.asarray(p_safe >= level)
    if candidates.sum() < _least(n):
        candidates[np.argsort(-p_safe, kind="stable")[: _least(n)]] = True
    return candidates


def _best(candidates: NDArray[np.bool_], merit: Floats, share: float) -> NDArray[np.bool_]:
    """The share of the candidates with the highest merit, (U,)."""
    kept = max(_least(len(merit)), round(share * candidates.sum()))
    best = np.argsort(np.where(candidates, -merit, np.inf), kind="stable")[:kept]
    chosen = np.zeros(len(merit), dtype=bool)
    chosen[best] = True
    return chosen & candidates
