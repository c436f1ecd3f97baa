"""Small models of the answers so far, fast enough to be fitted between two questions.

The features of a segment are the mean and the standard deviation of its standardised observations
and actions, and random Fourier features of these, which make a linear model nonlinear. An ensemble
of logistic models on such features takes milliseconds to fit. Each member has its own resampling of
the answers and its own draw from the prior, so that members disagree where answers are missing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from sb3_presa.annotation.answers.answer import Answer, Segment
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import FeedbackError

FloatArray: TypeAlias = npt.NDArray[np.float64]

#: A flat observation or action of more numbers (such as an image) is projected to this many.
_MOST_NUMBERS = 64


class SegmentFeatures:
    """Turns segments of a dataset into rows of numbers.

    :param transitions: the dataset's steps.
    :param reference: segments whose features are standardised to mean 0 and deviation 1.
    :param n_fourier: number of random Fourier features; 0 for linear features.
    :param seed: seed of the Fourier features.
    """

    def __init__(
        self,
        transitions: Transitions,
        reference: Sequence[Segment],
        n_fourier: int = 64,
        seed: int = 0,
    ) -> None:
        self._starts = dict(
            zip(transitions.episode_ids.tolist(), transitions.episode_starts.tolist(), strict=True)
        )
        lengths = zip(
            transitions.episode_ids.tolist(), transitions.episode_lengths.tolist(), strict=True
        )
        self._lengths = dict(lengths)
        self._rows = _standardised(transitions)
        raw = self._summaries(reference)
        self._mean, self._scale = raw.mean(axis=0), raw.std(axis=0)
        self._scale[self._scale < 1e-6] = np.inf  # constant features become 0
        self._fourier: tuple[FloatArray, FloatArray] | None = None
        if n_fourier:
            random = np.random.default_rng([seed, 1])
            # Distances between standardised rows grow with their length: so does the kernel width.
            width = np.sqrt(2.0 * raw.shape[1])
            self._fourier = (
                random.normal(size=(raw.shape[1], n_fourier)) / width,
                random.uniform(0.0, 2.0 * np.pi, n_fourier),
            )

    def linear(self, segments: Sequence[Segment]) -> FloatArray:
        """Mean and deviation of the steps of each segment, standardised.

        :param segments: segments of the dataset.
        :return: ``(S, D)``.
        :raises FeedbackError: if a segment is not in the dataset.
        """
        return np.asarray((self._summaries(segments) - self._mean) / self._scale)

    def __call__(self, segments: Sequence[Segment]) -> FloatArray:
        """The linear features and the Fourier features.

        :param segments: segments of the dataset.
        :return: ``(S, D + n_fourier)``; the rows' squared length is about 2.
        """
        linear = self.linear(segments)
        parts = [linear / np.sqrt(max(1, linear.shape[1]))]
        if self._fourier is not None:
            directions, phases = self._fourier
            waves = np.cos(linear @ directions + phases)
            parts.append(waves * np.sqrt(2.0 / len(phases)))
        return np.concatenate(parts, axis=1)

    def _summaries(self, segments: Sequence[Segment]) -> FloatArray:
        found = np.empty((len(segments), 2 * self._rows.shape[1]))
        for row, (episode, start, length) in enumerate(segments):
            if start + length > self._lengths.get(episode, -1):
                raise FeedbackError(
                    "segments must be within the dataset's episodes, got "
                    f"{(episode, start, length)}, where episode {episode} has "
                    f"{self._lengths.get(episode, 0)} steps (segment {row})"
                )
            first = self._starts[episode] + start
            steps = self._rows[first : first + length]
            found[row] = np.concatenate([steps.mean(axis=0), steps.std(axis=0)])
        return found


class LogisticEnsemble:
    """Logistic models that differ in the weights of the answers and in a draw from the prior.

    Each member maximises the likelihood of the targets, weighted by its own bootstrap, under a
    Gaussian prior centred on a draw from that prior ("randomised maximum a posteriori"). Without
    answers, the members are draws from the prior; with many answers, they agree.

    :param n_members: number of models, at least 2.
    :param prior_scale: prior standard deviation of a weight.
    :param seed: seed of the draws and the bootstraps.
    """

    def __init__(self, n_members: int = 16, prior_scale: float = 3.0, seed: int = 0) -> None:
        self.n_members, self.prior_scale, self.seed = n_members, prior_scale, seed
        self.weights: FloatArray = np.empty((0, n_members))

    def fit(self, features: FloatArray, targets: FloatArray) -> "LogisticEnsemble":
        """Fit every member; a few milliseconds for a thousand rows.

        :param features: ``(N, D)``; N may be 0.
        :param targets: ``(N,)``, probabilities in [0, 1].
        :return: itself.
        """
        random = np.random.default_rng([self.seed, 2])
        columns = features.shape[1]
        centres = random.normal(0.0, self.prior_scale, (self.n_members, columns))
        # Weights of the Bayesian bootstrap: all answers count, which matters if there are few.
        counts = random.exponential(1.0, (self.n_members, len(targets)))
        self.weights = np.stack(
            [
                _fit_logistic(features, targets, count, centre, 1.0 / self.prior_scale**2)
                for count, centre in zip(counts, centres, strict=True)
            ],
            axis=1,
        )
        return self

    def logits(self, features: FloatArray) -> FloatArray:
        """The logit of each row under each member.

        :param features: ``(N, D)``.
        :return: ``(N, members)``.
        """
        return np.asarray(features @ self.weights)

    def probabilities(self, features: FloatArray) -> FloatArray:
        """The probability of each row under each member.

        :param features: ``(N, D)``.
        :return: ``(N, members)`` in [0, 1].
        """
        return _sigmoid(self.logits(features))


def fit_preferences(
    features: SegmentFeatures, answers: Sequence[Answer], ensemble: LogisticEnsemble
) -> LogisticEnsemble:
    """Bradley-Terry models of preferences: P(first) = sigmoid(w . (features(first - second))).

    :param features: features of the dataset's segments.
    :param answers: the answers; skipped pairs are ignored.
    :param ensemble: the ensemble to fit.
    :return: the fitted ensemble, for differences of features.
    """
    compared = [a for a in answers if a.preference is not None and a.second is not None]
    seconds = [answer.second for answer in compared if answer.second is not None]
    differences = features([answer.first for answer in compared]) - features(seconds)
    return ensemble.fit(differences, np.asarray([a.preference for a in compared], np.float64))


def fit_safety(
    features: SegmentFeatures, answers: Sequence[Answer], ensemble: LogisticEnsemble
) -> LogisticEnsemble:
    """Models of P(safe) of a segment.

    :param features: features of the dataset's segments.
    :param answers: the answers; segments without a judgement are ignored.
    :param ensemble: the ensemble to fit.
    :return: the fitted ensemble, for :func:`with_offset` of features.
    """
    judged = [(a.first, a.safe_first) for a in answers if a.safe_first is not None]
    judged += [
        (a.second, a.safe_second)
        for a in answers
        if a.second is not None and a.safe_second is not None
    ]
    rows = with_offset(features([segment for segment, _ in judged]))
    return ensemble.fit(rows, np.asarray([label for _, label in judged], np.float64))


def with_offset(features: FloatArray) -> FloatArray:
    """The features with a column of ones, the offset of a linear model.

    :param features: ``(N, D)``.
    :return: ``(N, D + 1)``.
    """
    return np.concatenate([features, np.ones((len(features), 1))], axis=1)


def _fit_logistic(
    features: FloatArray,
    targets: FloatArray,
    counts: FloatArray,
    centre: FloatArray,
    precision: float,
) -> FloatArray:
    """Newton's method with step halving; it converges, since the objective is convex."""
    weights = centre.copy()
    loss = _loss(features, targets, counts, centre, precision, weights)
    for _ in range(30):
        chance = _sigmoid(features @ weights)
        gradient = features.T @ (counts * (chance - targets)) + precision * (weights - centre)
        curvature = counts * chance * (1.0 - chance)
        hessian = (features.T * curvature) @ features
        hessian[np.diag_indices_from(hessian)] += precision
        step = np.linalg.solve(hessian, gradient)
        length = 1.0
        while length > 1e-4:
            tried = weights - length * step
            new = _loss(features, targets, counts, centre, precision, tried)
            if new <= loss:
                break
            length /= 2.0
        else:
            return weights
        weights, improvement, loss = tried, loss - new, new
        if improvement <= 1e-6 * (1.0 + abs(loss)):
            return weights
    return weights


def _loss(
    features: FloatArray,
    targets: FloatArray,
    counts: FloatArray,
    centre: FloatArray,
    precision: float,
    weights: FloatArray,
) -> float:
    logits = features @ weights
    cross_entropy = np.logaddexp(0.0, logits) - targets * logits
    distance = weights - centre
    return float(counts @ cross_entropy + 0.5 * precision * distance @ distance)


def _sigmoid(logits: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)))


def _standardised(transitions: Transitions) -> FloatArray:
    """Observation and action of every step as one row, each column standardised."""
    named: Mapping[str, npt.NDArray[Any]]
    named = (
        transitions.observations
        if isinstance(transitions.observations, dict)
        else {"": transitions.observations}
    )
    space = transitions.observation_space
    parts = [
        _flat(values, space[key] if isinstance(space, spaces.Dict) else space)
        for key, values in named.items()
    ]
    parts.append(_flat(transitions.actions, transitions.action_space))
    rows = np.concatenate(parts, axis=1)
    scale = rows.std(axis=0)
    # At any scale: a column is constant whose range is a few roundings of its values
    rounding = 4.0 * np.finfo(rows.dtype).eps * np.abs(rows).max(axis=0)
    scale[np.ptp(rows, axis=0) <= rounding] = np.inf
    return np.asarray((rows - rows.mean(axis=0)) / scale)


def _flat(values: npt.NDArray[Any], space: gym.Space[Any]) -> FloatArray:
    """``(N, columns)``: discrete values one-hot, large arrays (images) projected at random."""
    if isinstance(space, spaces.Discrete):
        return np.asarray(np.eye(int(space.n))[values.reshape(-1) - int(space.start)])
    flat = values.reshape(len(values), -1)
    if flat.shape[1] <= _MOST_NUMBERS:
        return flat.astype(np.float64)
    random = np.random.default_rng(0)
    projection = random.normal(size=(flat.shape[1], _MOST_NUMBERS)) / np.sqrt(flat.shape[1])
    chunks = range(0, len(flat), 1024)  # avoids a second copy of a dataset of images
    return np.concatenate([flat[row : row + 1024] @ projection for row in chunks])
