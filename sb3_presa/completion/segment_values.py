"""From values of steps to those of segments."""

from typing import Final

import numpy as np
import torch as th
from numpy.typing import NDArray

from sb3_presa.completion.features import Floats
from sb3_presa.completion.label_arrays import Integers
from sb3_presa.completion.label_models import STEEPNESS, SafetyModel, p_safe_of, sigmoid

#: How much further beyond the boundary an unsafe one of ten parts of a long segment is.
OVERSHOOT: Final = 1.0


def segment_sums(values: NDArray[np.float32], starts: Integers, lengths: Integers) -> Floats:
    """
    :param values: of each step by model, (K, N)
    :param starts: first row of each segment, (S,)
    :param lengths: its steps, (S,)
    :return: sums over the segments, (K, S)
    """
    sums = np.empty((len(values), len(starts)))
    for model, of_model in enumerate(values):  # one at a time: a row of float64
        running = np.concatenate([[0.0], np.cumsum(of_model, dtype=np.float64)])
        sums[model] = running[starts + lengths] - running[starts]
    return sums


def half_means(values: NDArray[np.float32], starts: Integers, lengths: Integers) -> Floats:
    """
    :param values: of each step by model, (K, N)
    :param starts: first row of each segment, (S,)
    :param lengths: its steps, at least 1, (S,)
    :return: means over the first and over the second half of the segments, (2, K, S); a segment of
        one step is both
    """
    first, second = np.maximum(lengths // 2, 1), (lengths + 1) // 2
    begins = np.concatenate([starts, starts + lengths - second])
    halves = np.concatenate([first, second])
    means = segment_sums(values, begins, halves) / halves
    return np.stack(np.split(means, 2, axis=1))


def p_safe_of_long(
    risks: NDArray[np.float32], starts: Integers, lengths: Integers, labelled: int
) -> Floats:
    """
    P(safe), as the rate of risk has it, of segments that may be longer than those that were
    labelled. A label says that a short segment is unsafe, but not how far, so risks saturate just
    beyond the boundary, and their mean over a long segment is too low. Each part as long as a
    labelled segment counts ``OVERSHOOT`` more, times the probability that it is unsafe and the
    decimal logarithm of the number of parts: the more there are, the more the mean hides.

    :param risks: risk of each step by model, (K, N)
    :param starts: first row of each segment, (S,)
    :param lengths: its steps, (S,)
    :param labelled: typical length of a labelled segment
    :return: probability that it is safe by model, (K, S)
    """
    n_parts = np.maximum(1, np.rint(lengths / labelled)).astype(np.int64)
    of_part = np.repeat(np.arange(len(starts)), n_parts)
    index = np.arange(len(of_part)) - np.repeat(np.cumsum(n_parts) - n_parts, n_parts)
    edges = [(lengths[of_part] * (index + more)) // n_parts[of_part] for more in (0, 1)]
    part_lengths = edges[1] - edges[0]
    rates = segment_sums(risks, starts[of_part] + edges[0], part_lengths) / part_lengths
    beyond = sigmoid(STEEPNESS * (rates - 1.0))
    rates += OVERSHOOT * beyond * np.log10(n_parts)[of_part]
    weights = part_lengths / lengths[of_part]
    means = sums_at(of_part, weights * rates, len(starts))
    return sigmoid(STEEPNESS * (1.0 - means))


def sums_at(places: Integers, values: Floats, n: int) -> Floats:
    """
    :param places: place of each value, in [0, n), (M,)
    :param values: values of each model, (K, M)
    :param n: number of places
    :return: sums of the values of the same place, (K, n)
    """
    return np.stack([np.bincount(places, row, n) for row in values]).astype(np.float64)


def segment_p_safe(risks: Floats, lengths: Integers, meaning: SafetyModel) -> Floats:
    """
    :param risks: summed risk of each segment by model, (K, S)
    :param lengths: steps of each segment, (S,)
    :param meaning: what "safe" means
    :return: probability that it is safe by model, (K, S)
    """
    chance = p_safe_of(th.from_numpy(risks), th.from_numpy(lengths).double(), meaning)
    return np.asarray(chance.numpy())
