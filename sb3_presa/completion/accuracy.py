"""Accuracy on labels that the models have not seen: the reason to believe completed labels."""

import math
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np

from sb3_presa.completion.features import Floats
from sb3_presa.intervals import wilson

#: Numbers from which on a rank correlation says something.
FEWEST_RANKED: Final = 4


@dataclass(frozen=True)
class Accuracy:
    """
    A share of labels that were predicted right by models that had not seen them, or a rank
    correlation.

    :param value: the share, in [0, 1], or the correlation, in [-1, 1]; NaN without
        labels, or where it compares two kinds and one is missing
    :param low: lower end of its 95% interval
    :param high: upper end
    :param n: number of labels
    """

    value: float
    low: float
    high: float
    n: int

    @property
    def above_chance(self) -> bool:
        """:return: whether it is above one half by a standard error, as an interval of 68% says"""
        return self.value - 0.5 > (self.value - self.low) / 1.96

    def __str__(self) -> str:
        return f"{self.text} (n = {self.n})" if self.n else self.text

    @property
    def text(self) -> str:
        """:return: the value with its interval"""
        if math.isnan(self.value):
            return "one kind of label only" if self.n else "no labels"
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def as_json(values: Any) -> Any:
    """
    :param values: an :class:`Accuracy`, or another dataclass of numbers; ``None`` for none
    :return: its fields by name; NaN and infinity, which JSON lacks, are ``None``. ``None`` for none
    """
    if values is None:
        return None
    plain = {one.name: getattr(values, one.name) for one in fields(values)}
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in plain.items()
    }


def share_right(right: Floats) -> Accuracy:
    """
    :param right: 1 for each label that was predicted right, 0 for the others, 0.5 for ties
    :return: their share, with Wilson's interval
    """
    if not len(right):
        return Accuracy(math.nan, math.nan, math.nan, 0)
    low, high = wilson(float(right.sum()), len(right))
    return Accuracy(float(right.mean()), low, high, len(right))


def balanced_share_right(chance: Floats, labels: Floats) -> Accuracy:
    """
    The mean of the shares that were right among labels of 1 and among labels of 0: where nine
    segments of ten are safe, "always safe" is right half of the time, not nine times in ten.

    :param chance: predicted probability of a label of 1, (n,)
    :param labels: the labels, in [0, 1], (n,); those of 0.5 do not count
    :return: the share, with an interval from Wilson's of both
    """
    ones, zeros = (
        share_right((chance[labels > 0.5] > 0.5).astype(np.float64)),
        share_right((chance[labels < 0.5] <= 0.5).astype(np.float64)),
    )
    if not ones.n or not zeros.n:
        return ones if ones.n else zeros
    value = 0.5 * (ones.value + zeros.value)
    below = 0.5 * math.hypot(ones.value - ones.low, zeros.value - zeros.low)
    above = 0.5 * math.hypot(ones.high - ones.value, zeros.high - zeros.value)
    return Accuracy(value, value - below, value + above, ones.n + zeros.n)


def rank_correlation(one: Floats, other: Floats) -> Accuracy:
    """
    :param one: numbers, (n,)
    :param other: numbers, (n,)
    :return: Spearman's rank correlation, in [-1, 1], with the interval of Fisher's z
    """
    first, second = (ranks(values) for values in (one, other))
    if len(one) < FEWEST_RANKED or first.std() == 0.0 or second.std() == 0.0:
        return Accuracy(0.0, -1.0, 1.0, len(one))
    value = float(np.corrcoef(first, second)[0, 1])
    z = math.atanh(min(max(value, -0.999), 0.999))
    reach = 1.96 / math.sqrt(len(one) - 3)
    return Accuracy(value, math.tanh(z - reach), math.tanh(z + reach), len(one))


def ranks(values: Floats) -> Floats:
    """
    :param values: numbers, (n,)
    :return: the place of each from 1 on; equal ones share the mean of their places, (n,)
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - 0.5 * (counts - 1))[place])


@dataclass(frozen=True)
class Bin:
    """
    Labels whose predicted probability lies in one range.

    :param low: lower end of the range
    :param high: upper end
    :param predicted: mean predicted probability; NaN without labels
    :param seen: the share of labels of 1, with its interval
    """

    low: float
    high: float
    predicted: float
    seen: Accuracy


def calibration(chance: Floats, labels: Floats, n_bins: int = 5) -> tuple[Bin, ...]:
    """
    :param chance: predicted probability that a label is 1, (n,)
    :param labels: the labels, in [0, 1], (n,)
    :param n_bins: ranges of equal width
    :return: what was seen in each range
    """
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    place = np.clip(np.digitize(chance, edges) - 1, 0, n_bins - 1)
    found = []
    for index in range(n_bins):
        here = place == index
        predicted = float(chance[here].mean()) if here.any() else math.nan
        seen = share_right(labels[here])
        found.append(Bin(float(edges[index]), float(edges[index + 1]), predicted, seen))
    return tuple(found)
