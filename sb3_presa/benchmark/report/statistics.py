"""Robust means and intervals from a stratified bootstrap.

As in "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (Agarwal et al.,
NeurIPS 2021). Its library, rliable, is not used: it needs arch, statsmodels, SciPy, pandas and
seaborn for these few lines, and its release 1.2.0 fails with arch 7.2, the newest one that it
permits. The tests compare the numbers here with those of its metrics.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sb3_presa.intervals import Interval

Numbers = NDArray[np.float64]

N_RESAMPLES = 5_000
#: Fewer runs (or pairs) have no interval: resampling them would not show how they vary.
LEAST_RUNS = 3
NO_INTERVAL: Interval = (math.nan, math.nan)
_TAILS = (0.025, 0.975)


def iqm(values: Numbers) -> Numbers:
    """
    The interquartile mean: without the lowest and the highest quarter.

    :param values: (..., n)
    :return: (...), the mean without the ``n // 4`` lowest and highest values; NaN if one is NaN
    """
    cut = values.shape[-1] // 4
    kept = np.sort(values, axis=-1)[..., cut : values.shape[-1] - cut]
    # Sorted, an unknown value is the highest
    return np.where(np.isnan(values).any(axis=-1), np.nan, kept.mean(axis=-1))


def mean(values: Numbers) -> Numbers:
    """
    :param values: (..., n)
    :return: (...)
    """
    return np.asarray(values.mean(axis=-1))


def mean_where(values: Numbers) -> Numbers:
    """
    The mean of the values that are not NaN.

    :param values: (..., n)
    :return: (...), NaN if all are
    """
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def interval(
    strata: Sequence[Numbers], statistic: Callable[[Numbers], Numbers], seed: int = 0
) -> Interval:
    """
    The 95% percentile interval of a stratified bootstrap: runs are resampled within each stratum (a
    task and a cost limit), so that every resample has the sizes of the strata.

    :param strata: the values of each stratum
    :param statistic: from (R, n) resamples of all values to (R,) numbers
    :param seed: seed of the resampling
    :return: its ends; NaN where :func:`can_resample` says no, or the statistic is NaN
    """
    if not can_resample(strata) or np.isnan(statistic(np.concatenate(strata))):
        return NO_INTERVAL
    rng = np.random.default_rng(seed)
    resamples = [_resample(values, rng) for values in strata]
    return _ends(statistic(np.concatenate(resamples, axis=1)))


def can_resample(strata: Sequence[Numbers]) -> bool:
    """
    Whether resampling shows how runs vary: at least three have a value, and no stratum has a single
    run, which every resample would repeat.

    :param strata: the values of each stratum; NaN does not count, such as rewards of unsafe runs
    :return: whether an interval means anything
    """
    n_known = sum(int(np.count_nonzero(~np.isnan(values))) for values in strata)
    return n_known >= LEAST_RUNS and min(map(len, strata)) > 1


def probability_of_improvement(
    ours: Sequence[Numbers], theirs: Sequence[Numbers], seed: int = 0
) -> tuple[float, Interval]:
    """
    The probability that a random run of ours is above a random run of theirs on the same task;
    equal runs count half.

    :param ours: the values of each stratum, (n,)
    :param theirs: the same strata, (m,)
    :param seed: seed of the resampling
    :return: its mean over the strata, NaN for fewer than three runs of either; and the interval of
        the stratified bootstrap, NaN where :func:`can_resample` says no
    """
    rng = np.random.default_rng(seed)
    found, resampled = [], []
    for one, other in zip(ours, theirs, strict=True):
        found.append(float(_above(one[None], other[None])[0]))
        resampled.append(_above(_resample(one, rng), _resample(other, rng)))
    if min(sum(map(len, ours)), sum(map(len, theirs))) < LEAST_RUNS:
        return math.nan, NO_INTERVAL
    known = can_resample(ours) and can_resample(theirs)
    return float(np.mean(found)), _ends(np.mean(resampled, axis=0)) if known else NO_INTERVAL


def paired_interval(differences: Numbers, seed: int = 0) -> Interval:
    """
    :param differences: one number per pair, (n,)
    :param seed: seed of the resampling
    :return: the 95% percentile interval of their mean, with resampled pairs; NaN for fewer than
        three
    """
    return interval([differences], mean, seed)


def _resample(values: Numbers, rng: np.random.Generator) -> Numbers:
    draws = rng.integers(len(values), size=(N_RESAMPLES, len(values)))
    return np.asarray(values[draws])


def _above(ours: Numbers, theirs: Numbers) -> Numbers:
    one, other = ours[:, :, None], theirs[:, None, :]
    return np.asarray(((one > other) + 0.5 * (one == other)).mean(axis=(1, 2)))


def _ends(resampled: Numbers) -> Interval:
    known = resampled[~np.isnan(resampled)]
    if len(known) == 0:
        return NO_INTERVAL
    low, high = np.quantile(known, _TAILS)
    return float(low), float(high)
