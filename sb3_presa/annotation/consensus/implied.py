"""Comparisons that follow from others: A before B and B before C say something of A and C.

Every segment has a score, and a Bradley-Terry model with a share of wrong answers is fitted to the
comparisons. Two segments that a chain of comparisons joins have a probability of each order. It is
near one half where the chain is long, contradicts itself or holds ties, so that what is certain
counts most.
"""

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from sb3_presa.completion.label_models import ERROR_RATE, fit_comparisons, sigmoid
from sb3_presa.feedback.table import Feedback

#: Deviation of the prior of a score, in log-odds.
_DEVIATION: Final = 3.0
#: A comparison whose likelier order has a lower probability says too little to be one.
_LEAST: Final = 0.75
_MOST: Final = 5_000


def with_implied(feedback: Feedback, seed: int = 0) -> Feedback:
    """
    Labels with the comparisons that follow from those that people made.

    They repeat what people said, so accuracy on labels not seen looks better than it is, and label
    completion gains nothing. They are meant for algorithms that learn from comparisons directly.

    :param feedback: labels of people; they stay as they are
    :param seed: seed of the choice among more than 5,000
    :return: the labels and up to 5,000 further comparisons; ``provenance`` says how many
    """
    pairs = feedback.comparisons
    given = feedback.preferences.astype(np.float64)
    joined = _components(len(feedback.segments), pairs)
    sets, sizes = np.unique(joined, return_counts=True)
    found, chances = [pairs[:0]], [given[:0]]
    for lowest in sets[sizes > 2]:  # from a comparison alone nothing follows
        members, rows = np.flatnonzero(joined == lowest), joined[pairs[:, 0]] == lowest
        inner, chance = _implied(len(members), np.searchsorted(members, pairs[rows]), given[rows])
        found.append(members[inner])
        chances.append(chance)
    new, probability = np.concatenate(found), np.concatenate(chances)
    order = np.lexsort((new[:, 1], new[:, 0]))
    if len(order) > _MOST:
        order = order[np.sort(np.random.default_rng(seed).choice(len(order), _MOST, replace=False))]
    return replace(
        feedback,
        comparisons=np.concatenate([pairs, new[order]]),
        preferences=np.concatenate([given, probability[order]]).astype(np.float32),
        provenance={**feedback.provenance, "implied": len(order)},
    )


def _implied(
    n: int, pairs: npt.NDArray[np.int64], given: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Implied comparisons among segments that chains of comparisons join.

    Other segments have no part in it: scores and their covariance are those of one block.

    :param n: number of segments
    :param pairs: the comparisons, (C, 2)
    :param given: their preferences, (C,)
    :return: pairs that were not compared and are certain enough, (K, 2), and P(first preferred)
    """
    differences = np.zeros((len(pairs), n))
    rows = np.arange(len(pairs))
    differences[rows, pairs[:, 0]], differences[rows, pairs[:, 1]] = 1.0, -1.0
    scores = fit_comparisons(differences, given, _DEVIATION**-2)
    chance = sigmoid(differences @ scores)
    information = chance * (1.0 - chance) * (1.0 - 2.0 * ERROR_RATE) ** 2
    precision = (differences.T * information) @ differences
    precision[np.diag_indices(n)] += _DEVIATION**-2
    covariance = np.linalg.inv(precision)
    compared = np.zeros((n, n), dtype=bool)
    compared[pairs.min(axis=1), pairs.max(axis=1)] = True
    first, second = np.nonzero(np.triu(~compared, 1))
    spread = covariance[first, first] + covariance[second, second] - 2 * covariance[first, second]
    probability = sigmoid((scores[first] - scores[second]) / np.sqrt(1.0 + np.pi * spread / 8.0))
    certain = np.maximum(probability, 1.0 - probability) >= _LEAST
    return np.stack([first, second], axis=1)[certain], probability[certain]


def _components(n: int, pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The lowest segment that a chain of comparisons leads to, for each."""
    lowest = np.arange(n)
    while True:
        before = lowest.copy()
        least = np.minimum(lowest[pairs[:, 0]], lowest[pairs[:, 1]])
        for side in (0, 1):
            np.minimum.at(lowest, pairs[:, side], least)
        if np.array_equal(before, lowest):
            return lowest
