"""Dawid and Skene's noise model: the error rates of each person, and the likely true labels.

Every item has a true class, and every annotator a confusion matrix: P(label | true class). Both
are estimated by expectation maximisation (Dawid and Skene, 1979, Applied Statistics 28), here with
priors, so that a person with few answers is treated as an average annotator.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NoiseModel:
    """The estimates.

    :param posterior: ``(items, classes)``, P(class | all labels of the item).
    :param prevalence: ``(classes,)``, share of each class.
    :param confusion: ``(annotators, classes, classes)``, P(label | true class).
    :param iterations: number of iterations of expectation maximisation.
    """

    posterior: FloatArray
    prevalence: FloatArray
    confusion: FloatArray
    iterations: int


def fit_noise_model(
    items: npt.ArrayLike,
    annotators: npt.ArrayLike,
    labels: npt.ArrayLike,
    n_classes: int,
    *,
    prior_accuracy: float = 0.8,
    prior_strength: float = 4.0,
    mirror: bool = False,
    tolerance: float = 1e-8,
    max_iterations: int = 1000,
) -> NoiseModel:
    """Estimate the error rates of annotators and the true labels.

    Confusions are learned only from items with at least two labels. A single label agrees with
    itself, and would make every annotator look perfect. Without such items, confusions stay at the
    prior. The prior of an annotator is ``prior_strength`` pseudo-labels per class, distributed as
    the labels of all annotators together. That distribution itself starts from ``prior_strength``
    pseudo-labels, of which a share of ``prior_accuracy`` is right.

    :param items: ``(N,)``, from 0, the item of each label. Every number up to the largest occurs.
    :param annotators: ``(N,)``, from 0, the annotator of each label.
    :param labels: ``(N,)``, in [0, n_classes), the class of each label.
    :param n_classes: number of classes, at least 2.
    :param prior_accuracy: in (0, 1), prior accuracy of an annotator.
    :param prior_strength: at least 0; 0 is the estimate of Dawid and Skene.
    :param mirror: whether class c and class n_classes - 1 - c are mirror images, as with
        preferences, whose order is arbitrary. Errors on both are then equal, and the shares of the
        classes are those of the labels.
    :param tolerance: stop when no posterior changes by more than this.
    :param max_iterations: largest number of iterations.
    :return: the estimates.
    """
    item, annotator, label = (
        np.asarray(column, np.int64) for column in (items, annotators, labels)
    )
    counts = np.zeros((item.max() + 1, annotator.max() + 1, n_classes))
    np.add.at(counts, (item, annotator, label), 1.0)
    shared = counts.sum(axis=(1, 2)) >= 2
    assumed = np.full((n_classes, n_classes), (1.0 - prior_accuracy) / (n_classes - 1))
    np.fill_diagonal(assumed, prior_accuracy)
    posterior = counts.sum(axis=1)
    posterior /= posterior.sum(axis=1, keepdims=True)
    iteration, change = 0, np.inf
    while change > tolerance and iteration < max_iterations:
        iteration += 1
        prevalence = _prevalence(posterior, counts, mirror, prior_strength)
        confusion = _confusion(counts[shared], posterior[shared], assumed, prior_strength, mirror)
        updated = _posterior(counts, prevalence, confusion)
        change = float(np.abs(updated - posterior).max())
        posterior = updated
    return NoiseModel(posterior, prevalence, confusion, iteration)


def _prevalence(
    posterior: FloatArray, counts: FloatArray, mirror: bool, strength: float
) -> FloatArray:
    if mirror:
        # The shares of the labels, not estimates: the middle class could otherwise absorb every
        # item on which people differ, even if no label has that class.
        said = counts.sum(axis=(0, 1))
        share = said + said[::-1]
    else:
        share = posterior.sum(axis=0) + min(strength, 1.0)  # one pseudo-item of each class
    return np.asarray(share / share.sum())


def _confusion(
    counts: FloatArray, posterior: FloatArray, assumed: FloatArray, strength: float, mirror: bool
) -> FloatArray:
    expected = np.einsum("ic,ial->acl", posterior, counts)
    if mirror:
        expected = expected + expected[:, ::-1, ::-1]
    pooled = expected.sum(axis=0) + strength * assumed
    expected = expected + strength * _normalised(pooled)
    return _normalised(expected)


def _posterior(counts: FloatArray, prevalence: FloatArray, confusion: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        # Finite, so that 0 * log(0) is 0: an error that nobody made does not count against a
        # class.
        logs = np.maximum(np.log(confusion), -700.0)
        scores = np.log(prevalence) + np.zeros((len(counts), 1))
    scores += np.einsum("ial,acl->ic", counts, logs)
    scores -= scores.max(axis=1, keepdims=True)
    return _normalised(np.exp(scores))


def _normalised(values: FloatArray) -> FloatArray:
    total = values.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(values, total, out=np.zeros_like(values), where=total > 0))
