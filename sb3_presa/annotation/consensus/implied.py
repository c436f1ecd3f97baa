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
    n, pairs = len(feedback.segments), feedback.comparisons
    differences = np.zeros((len(pairs), n))
    rows = np.arange(len(pairs))
    differences[rows, pairs[:, 0]], differences[rows, pairs[:, 1]] = 1.0, -1.0
    given = feedback.preferences.astype(np.float64)
    scores = fit_comparisons(differences, given, _DEVIATION**-2)
    chance = sigmoid(differences @ scores)
    information = chance * (1.0 - chance) * (1.0 - 2.0 * ERROR_RATE) ** 2
    precision = (differences.T * information) @ differences
    precision[np.diag_indices(n)] += _DEVIATION**-2
    covariance = np.linalg.inv(precision)
    joined = _components(n, pairs)
    first, second = np.triu_indices(n, 1)
    compared = {tuple(sorted(pair)) for pair in pairs.tolist()}
    new = np.asarray(
        [
            joined[one] == joined[other] and (one, other) not in compared
            for one, other in zip(first.tolist(), second.tolist(), strict=True)
        ],
        dtype=bool,
    )
    first, second = first[new], second[new]
    spread = covariance[first, first] + covariance[second, second] - 2 * covariance[first, second]
    probability = sigmoid((scores[first] - scores[second]) / np.sqrt(1.0 + np.pi * spread / 8.0))
    certain = np.flatnonzero(np.maximum(probability, 1.0 - probability) >= _LEAST)
    if len(certain) > _MOST:
        certain = np.sort(np.random.default_rng(seed).choice(certain, _MOST, replace=False))
    return replace(
        feedback,
        comparisons=np.concatenate([pairs, np.stack([first, second], axis=1)[certain]]),
        preferences=np.concatenate([given, probability[certain]]).astype(np.float32),
        provenance={**feedback.provenance, "implied": len(certain)},
    )


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
