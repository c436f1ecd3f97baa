"""Ensembles of label models, each of which has not seen a part of the labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import torch as th
from numpy.typing import NDArray

from sb3_presa.completion.features import Floats, StepFeatures
from sb3_presa.completion.label_arrays import Integers, Labels, Parts
from sb3_presa.completion.label_models import (
    ERROR_RATE,
    ERROR_RATES,
    SafetyModel,
    fit_comparisons,
    fit_safety,
    log_likelihood,
    risk_of,
    sigmoid,
)
from sb3_presa.completion.parts import N_FOLDS, are_apart
from sb3_presa.completion.sampling import SampledSteps, sample_steps
from sb3_presa.completion.segment_values import segment_p_safe, segment_sums, sums_at
from sb3_presa.data.transitions import Transitions

#: Draws of random features: rectified or periodic, and their bandwidth.
_DRAWS: Final = ((False, 4.0), (True, 1.0), (False, 2.0))
_N_FEATURES: Final = 128
#: Precisions of the comparison model's weights; cross-fitted likelihood chooses.
_PRECISIONS: Final = (1e-3, 4e-3, 1.6e-2, 6.4e-2)
#: Share of the rarer kind of safety labels that must be right under a raised error rate.
_RARER_SHARE: Final = 0.1
#: Steps whose features are held at a time.
_CHUNK: Final = 2_048


class ErrorRates(NamedTuple):
    """The shares of labels that are taken to be wrong."""

    safety: float = ERROR_RATE
    comparisons: float = ERROR_RATE


@dataclass(frozen=True, eq=False)
class Draw:
    """
    The models on one draw of features.

    :param features: the features
    :param of_reward: weights of the comparison models, (F, N_FOLDS); ``None`` without comparisons
    :param of_risk: parameters of the safety models, (F + 1, N_FOLDS), for each meaning of "safe"
    """

    features: StepFeatures
    of_reward: th.Tensor | None
    of_risk: dict[SafetyModel, th.Tensor]


@dataclass(frozen=True, eq=False)
class Ensemble:
    """
    Beliefs of ``K`` models about each step: ``N_FOLDS`` for each draw of features, in order.

    :param rewards: reward of each step by model, (K, N) float32; ``None`` without comparisons
    :param risks: risk of each step by model, (K, N) float32, for each meaning of "safe"
    :param scale: of a sum of rewards, to be the log-odds of a comparison
    :param draws: the models, to be asked about steps that are not logged
    :param error_rates: shares of labels that were taken to be wrong
    """

    rewards: NDArray[np.float32] | None
    risks: dict[SafetyModel, NDArray[np.float32]] = field(default_factory=dict)
    scale: float = 1.0
    draws: tuple[Draw, ...] = ()
    error_rates: ErrorRates = field(default_factory=ErrorRates)

    def ask(
        self, steps: Floats, meaning: SafetyModel
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """
        :param steps: observations and actions as vectors, (M, d)
        :param meaning: what "safe" means
        :return: risk and reward of each step by model, (K, M) each; rewards are 0 without
            comparisons
        """
        risks, rewards = [], []
        for draw in self.draws:
            values = draw.features.of_inputs(steps)
            risks.append(risk_of(values, draw.of_risk[meaning]).T.numpy())
            if draw.of_reward is not None:
                rewards.append((values @ draw.of_reward).T.numpy())
        found = np.concatenate(risks)
        return found, np.concatenate(rewards) if rewards else np.zeros_like(found)

    def unseen_preferences(self, labels: Labels, parts: Parts) -> Floats:
        """
        :param labels: comparisons of segments
        :param parts: which of them each model has not seen
        :return: P(first is preferred) of each by models that have not seen it, (C,); NaN where all
            are of one part
        """
        assert self.rewards is not None
        if not are_apart(parts.comparisons):
            return np.full(len(labels.comparisons), np.nan)
        sums = segment_sums(self.rewards, labels.starts, labels.lengths)
        one, other = labels.comparisons.T
        logits = self.scale * (sums[:, one] - sums[:, other])
        return unseen_mean(sigmoid(logits), parts.comparisons)

    def unseen_p_safe(self, labels: Labels, parts: Parts, meaning: SafetyModel) -> Floats:
        """
        :param labels: labels of segments
        :param parts: which of them each model has not seen
        :param meaning: what "safe" means
        :return: P(safe) of each segment by models that have not seen its label, (S,); NaN where all
            labels are of one part
        """
        if not are_apart(parts.segments[~np.isnan(labels.p_safe)]):
            return np.full(len(labels.starts), np.nan)
        sums = segment_sums(self.risks[meaning], labels.starts, labels.lengths)
        return unseen_mean(segment_p_safe(sums, labels.lengths, meaning), parts.segments)


def fit_ensemble(
    transitions: Transitions,
    labels: Labels,
    parts: Parts,
    meanings: Sequence[SafetyModel],
    generator: np.random.Generator,
) -> Ensemble:
    """
    :param transitions: the data
    :param labels: labels on them
    :param parts: which labels each model does not see
    :param meanings: meanings of "safe" to fit
    :param generator: source of randomness
    :return: what the models believe of every step
    """
    n = len(transitions.actions)
    compared = len(labels.comparisons) > 0
    n_models = len(_DRAWS) * N_FOLDS
    rewards = np.empty((n_models, n), dtype=np.float32) if compared else None
    risks = {meaning: np.empty((n_models, n), dtype=np.float32) for meaning in meanings}
    scale = float(1.0 / np.sqrt(labels.lengths.mean()))
    sampled = sample_steps(labels, generator)
    precision: float | None = None
    rates = ErrorRates()
    draws = []
    for draw, (periodic, bandwidth) in enumerate(_DRAWS):
        features = StepFeatures.draw(transitions, _N_FEATURES, periodic, bandwidth, generator)
        models = slice(draw * N_FOLDS, (draw + 1) * N_FOLDS)
        of_reward = None
        if compared:
            differences = _differences(features, labels) * scale
            held = _HeldComparisons(differences, labels.preferences, parts.comparisons)
            if precision is None:
                precision = max(_PRECISIONS, key=partial(held.likelihood, error_rate=ERROR_RATE))
                likelihood = partial(held.likelihood, precision)
                rates = rates._replace(comparisons=max(ERROR_RATES, key=likelihood))
            of_reward = held.weights(precision, rates.comparisons)
        of_risk: dict[SafetyModel, th.Tensor] = {}
        if meanings:
            values = features.at(sampled.rows)
            if draw == 0:
                rate, found = likeliest_risks(values, sampled, labels, parts, meanings[0])
                rates, of_risk[meanings[0]] = rates._replace(safety=rate), found
            for meaning in meanings:
                if meaning not in of_risk:
                    of_risk[meaning] = fold_risks(
                        values, sampled, labels, parts, meaning, rates.safety
                    )
        draws.append(Draw(features, of_reward, of_risk))
        for rows in chunks(n):
            values = features.at(rows)
            if rewards is not None and of_reward is not None:
                rewards[models, rows] = (values @ of_reward).T.numpy()
            for meaning, parameters in of_risk.items():
                risks[meaning][models, rows] = risk_of(values, parameters).T.numpy()
    return Ensemble(rewards, risks, scale, tuple(draws), rates)


def _differences(features: StepFeatures, labels: Labels) -> Floats:
    """Features summed over the first segment of each comparison less those over the second."""
    used = np.unique(labels.comparisons)
    sums = np.empty((len(labels.starts), features.n_features), dtype=np.float64)
    for episode in np.unique(labels.episodes[used]):
        here = used[labels.episodes[used] == episode]
        first = labels.starts[here].min()
        last = (labels.starts[here] + labels.lengths[here]).max()
        running = np.zeros((last - first + 1, features.n_features))
        values = features.at(slice(first, last)).numpy()
        np.cumsum(values, axis=0, dtype=np.float64, out=running[1:])
        begins = labels.starts[here] - first
        sums[here] = running[begins + labels.lengths[here]] - running[begins]
    one, other = labels.comparisons.T
    return np.asarray(sums[one] - sums[other])


@dataclass(frozen=True, eq=False)
class _HeldComparisons:
    """
    Comparisons in parts, each of which is held from a model. No model is fitted twice.

    :param differences: features of the first segments less those of the second, (C, F)
    :param preferences: probability that the first is preferred, (C,)
    :param part_of: part of each, (C,)
    """

    differences: Floats
    preferences: Floats
    part_of: Integers
    _fitted: dict[tuple[int, float, float], Floats] = field(default_factory=dict)

    def fit(self, part: int, precision: float, error_rate: float) -> Floats:
        """:return: weights of the model that has not seen a part, (F,)"""
        key = (part, precision, error_rate)
        if key not in self._fitted:
            seen = self.part_of != part
            seen = seen if seen.any() else np.ones_like(seen)
            self._fitted[key] = fit_comparisons(
                self.differences[seen], self.preferences[seen], precision, error_rate
            )
        return self._fitted[key]

    def likelihood(self, precision: float, error_rate: float) -> float:
        """:return: log-likelihood of comparisons under models that have not seen them"""
        total = 0.0
        for part in np.unique(self.part_of).tolist():
            held = self.part_of == part
            if held.all():
                continue
            chance = sigmoid(self.differences[held] @ self.fit(part, precision, error_rate))
            total += float(log_likelihood(chance, self.preferences[held], error_rate).sum())
        return total

    def weights(self, precision: float, error_rate: float) -> th.Tensor:
        """:return: weights of the models, (F, N_FOLDS) float32"""
        found = [self.fit(part, precision, error_rate) for part in range(N_FOLDS)]
        return th.from_numpy(np.stack(found, axis=1).astype(np.float32))


def likeliest_risks(
    features: th.Tensor,
    sampled: SampledSteps,
    labels: Labels,
    parts: Parts,
    meaning: SafetyModel,
) -> tuple[float, th.Tensor]:
    """
    :param features: of the sampled steps, (M, F)
    :param sampled: the steps
    :param labels: the labels
    :param parts: which labels each model does not see
    :param meaning: what "safe" means
    :return: the share of wrong labels under which models find safety labels likeliest that they
        have not seen; parameters of these models, (F + 1, N_FOLDS)
    """
    segments = np.unique(sampled.segment_of)
    part_of = parts.segments[segments]
    rarer = float(min(labels.p_safe[segments].mean(), 1.0 - labels.p_safe[segments].mean()))
    # A rate as high as the share of the rarer label would explain that label away altogether
    models = {
        rate: fold_risks(features, sampled, labels, parts, meaning, rate)
        for rate in ERROR_RATES
        if rate == ERROR_RATE or rarer - rate >= _RARER_SHARE * (1.0 - 2.0 * rate)
    }

    def likelihood(error_rate: float) -> float:
        risks = risk_of(features, models[error_rate]).T.numpy() * sampled.steps_for
        totals = sums_at(sampled.segment_of, risks, len(labels.starts))[:, segments]
        unseen = unseen_mean(segment_p_safe(totals, labels.lengths[segments], meaning), part_of)
        return float(log_likelihood(unseen, labels.p_safe[segments], error_rate).sum())

    likeliest = max(models, key=likelihood)
    return likeliest, models[likeliest]


def fold_risks(
    features: th.Tensor,
    sampled: SampledSteps,
    labels: Labels,
    parts: Parts,
    meaning: SafetyModel,
    error_rate: float,
) -> th.Tensor:
    """
    :param features: of the sampled steps, (M, F)
    :param sampled: the steps
    :param labels: the labels
    :param parts: which labels each model does not see
    :param meaning: what "safe" means
    :param error_rate: share of labels that are taken to be wrong
    :return: parameters of the safety models, (F + 1, N_FOLDS)
    """
    found = []
    part_of = parts.segments[sampled.segment_of]
    for part in range(N_FOLDS):
        seen = part_of != part
        seen = seen if seen.any() else np.ones_like(seen)
        segments, segment_of = np.unique(sampled.segment_of[seen], return_inverse=True)
        found.append(
            fit_safety(
                _column_by_column(features, np.flatnonzero(seen)),
                th.from_numpy(segment_of),
                th.from_numpy(sampled.steps_for[seen]).float(),
                th.from_numpy(labels.lengths[segments]).float(),
                th.from_numpy(labels.p_safe[segments]).float(),
                meaning,
                error_rate,
            )
        )
    return th.stack(found, dim=1)


def _column_by_column(features: th.Tensor, rows: Integers) -> th.Tensor:
    """Some rows, laid out as a fit reads them, so that it holds no second copy, (m, F)."""
    across = features.new_empty(features.shape[1], len(rows))
    for some in chunks(len(rows)):
        across[:, some] = features[rows[some]].T
    return across.T


def chunks(n: int) -> Iterator[slice]:
    """
    :param n: number of steps
    :return: slices of them, of which features are held at a time
    """
    for start in range(0, n, _CHUNK):
        yield slice(start, min(start + _CHUNK, n))


def unseen_mean(by_model: Floats, part_of: Integers) -> Floats:
    """
    :param by_model: what each model believes of each label, (K, n)
    :param part_of: part of each label, (n,)
    :return: mean over the models that have not seen the label, (n,)
    """
    of_draws = by_model.reshape(-1, N_FOLDS, by_model.shape[1]).mean(axis=0)
    return np.asarray(of_draws[part_of, np.arange(len(part_of))])
