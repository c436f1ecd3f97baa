"""Estimates for all of the data, and the uses that can be made of them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_presa.arguments import Seed, ShareWithin, check_arguments
from sb3_presa.completion.accuracy import Accuracy, Bin, calibration, rank_correlation
from sb3_presa.completion.clips import labels_are_of_clips, tells_safety
from sb3_presa.completion.cross_fit import ErrorRates
from sb3_presa.completion.features import Floats
from sb3_presa.completion.fitting import arrays_of
from sb3_presa.completion.label_arrays import Integers
from sb3_presa.completion.label_models import SafetyModel, said_chance, sigmoid
from sb3_presa.completion.selection import (
    beginnings_of,
    select,
    select_better,
    weight_of_beginnings,
)
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError
from sb3_presa.feedback.table import Feedback

#: With fewer labels of both kinds together, cross-fitted accuracy decides nothing.
FEWEST_LABELS: Final = 40
_COMPARISONS_PER_SEGMENT: Final = 5
_MOST_COMPARISONS: Final = 5_000
#: Accuracy on labels not seen from which on alignment is safe. A tenth of wrong labels leaves .7 to
#: .85 in the tasks of the benchmark, a fifth .6 to .7.
_KNOWN_WELL: Final = 0.7
#: The same where a clone repeats exactly what it imitates: wrong labels leave less
_KNOWN_SURELY: Final = 0.9
#: Probabilities of comparisons are kept off 0 and 1: nobody compared these segments.
_SURE: Final = 0.99


Kind = Literal["safety", "comparison"]
_KINDS: Final[tuple[Kind, ...]] = ("safety", "comparison")


class Doubt(NamedTuple):
    """A label that models which have not seen it contradict."""

    kind: Kind
    row: int  #: row of the labelled segments, or of the comparisons
    label: float  #: as it was given
    predicted: float  #: probability of a label of 1, by models that have not seen this one
    p_wrong: float  #: probability that the label is wrong


@dataclass(frozen=True, eq=False)
class Completion:
    """
    Estimates for all of the data from a few labels.

    :param labelled: the labels that it was made from
    :param transitions: the data
    :param segments: whole episodes, or windows of very long ones: rows of (episode id, first step,
        steps), (U, 3)
    :param merit: predicted reward of a step of each, in log-odds of a comparison of typical
        segments, (U,); ``None`` without comparisons. Where episodes end early and clips
        were compared, it is what is above the lowest of all, times the share that its steps are of
        the most: nothing is earned after the end
    :param merit_deviation: deviation of the same over the models, (U,)
    :param merit_of_halves: the merit of the first and of the second half of each, (2, U)
    :param p_safe: probability that each is safe, (U,); ``None`` without safety labels
    :param p_safe_lowest: the same by the model that doubts most, (U,)
    :param label_p_safe: for every labelled segment, P(safe) by models that have not seen its label,
        (S,); NaN without safety labels, and where one label is all
    :param label_preference: for every comparison, P(first is preferred) by models that have not
        seen it, (C,); NaN where all are of one pair
    :param safety_model: what "safe" was found to mean
    :param preference_accuracy: of comparisons with a winner
    :param safety_accuracy: of safety labels, the two kinds weighed alike
    :param safety_ranking: probability that a segment labelled safe is predicted safer than one
        labelled unsafe
    :param error_rates: shares of labels that were found likeliest to be wrong
    """

    labelled: Feedback
    transitions: Transitions
    segments: NDArray[np.int64]
    merit: Floats | None
    merit_deviation: Floats | None
    merit_of_halves: Floats | None
    p_safe: Floats | None
    p_safe_lowest: Floats | None
    label_p_safe: Floats
    label_preference: Floats
    safety_model: SafetyModel
    preference_accuracy: Accuracy
    safety_accuracy: Accuracy
    safety_ranking: Accuracy
    error_rates: ErrorRates

    @property
    def ranks(self) -> bool:
        """:return: whether comparisons that models have not seen support the ranking by merit"""
        return self.merit is not None and self.preference_accuracy.above_chance

    @property
    def tells_safety(self) -> bool:
        """:return: whether segments are labelled safe and others unsafe: otherwise comparisons, if
        there are any, are all that tells segments apart"""
        return tells_safety(self.labelled)

    @cached_property
    def of_clips(self) -> bool:
        """:return: see :func:`~sb3_presa.completion.clips.labels_are_of_clips`"""
        return labels_are_of_clips(self.transitions, self.labelled)

    @property
    def helps(self) -> bool:
        """
        Whether to learn from the completed labels rather than from those that were given: there are
        enough of them, and models that have not seen safety labels rank the segments better than
        chance. Where no safety label differs from another, they predict comparisons better. The
        ranking counts, because where most segments are safe, all can be predicted to be. Of clips
        without safety labels, the best do not show how to get there.

        :return: the decision of ``completion="auto"``
        """
        if self.labelled.n_labels < FEWEST_LABELS:
            return False
        if self.tells_safety:
            return self.safety_ranking.above_chance
        if self.merit is not None:
            return self.ranks and not self.of_clips
        return bool((self.labelled.p_safe != 0.5)[~np.isnan(self.labelled.p_safe)].any())

    @property
    def aligns(self) -> bool:
        """
        Whether labels are known well enough to push a policy away from what is worse, and not only
        to imitate what is best. What is pushed away from wrongly labelled segments leaves the data.
        Where they are not, :meth:`selected` is more careful, too.

        :return: whether labels that models have not seen are predicted right in seven of ten cases
        """
        return self._decisive.value >= _KNOWN_WELL

    @property
    def aligns_exact(self) -> bool:
        """
        Whether labels are known well enough to move even a clone that repeats exactly what it
        imitates. A small move may leave the data then, and is to be worth it.

        :return: whether labels that models have not seen are predicted right in nine of ten cases
        """
        return self._decisive.value >= _KNOWN_SURELY

    @property
    def _decisive(self) -> Accuracy:
        by_safety = self.tells_safety or self.merit is None
        return self.safety_accuracy if by_safety else self.preference_accuracy

    def selected(self, level: ShareWithin = 0.7) -> NDArray[np.bool_]:
        """
        The best of what is safe. Where labels are not known well, all models must agree that it is.

        :param level: lowest probability, in (0, 1), that what is imitated is safe
        :return: which of ``segments`` are worth imitating, (U,)
        :raises ConfigError: if the level is out of its range
        """
        check_arguments(Completion.selected, {"level": level})
        return select(len(self.segments), self._bound, self._ranking, level)

    def split_half(self, level: ShareWithin = 0.7) -> Accuracy:
        """
        The rank correlation between the merit of the first halves of safe segments and of their
        second halves: whether high merit is a habit or luck. Where it is low, the best segments
        were lucky with what they met. An agent that imitates them earns about the mean of all that
        are safe.

        :param level: lowest probability, in (0, 1), that a segment is safe
        :return: the correlation, with the number of segments; NaN without comparisons
        :raises ConfigError: if the level is out of its range
        """
        check_arguments(Completion.split_half, {"level": level})
        if self.merit_of_halves is None:
            return Accuracy(math.nan, math.nan, math.nan, 0)
        safe = np.ones(len(self.segments), dtype=bool)
        if self._bound is not None:
            safe = self._bound >= level
        return rank_correlation(*self.merit_of_halves[:, safe])

    @property
    def _ranking(self) -> Floats | None:
        """The merit by which what is imitated is chosen, (U,); ``None`` where it tells nothing."""
        return self.merit if self.ranks else None

    @property
    def _bound(self) -> Floats | None:
        """P(safe) that must reach a safety level, (U,)."""
        return self.p_safe if self.aligns else self.p_safe_lowest

    def feedback(self, level: float | Sequence[float] = 0.7, seed: Seed = 0) -> Feedback:
        """
        Labels of all of the data, which every algorithm here can be trained on and which can be
        saved beside the dataset.

        :param level: as for :meth:`selected`; ``weights`` are 1 for what is selected and 0 for the
            rest. Behind these segments stand the beginnings of more of what is safe, its better
            half, which have weights only: 0 where no episode begins. Of several levels, rising,
            each has a column of ``weights``
        :param seed: seed of the pairs
        :return: the completed labels
        :raises ConfigError: if a level or the seed is out of its range
        :raises FeedbackError: if levels do not rise
        """
        check_arguments(Completion.feedback, {"seed": seed})
        one = not isinstance(level, Iterable)
        levels = [*level] if isinstance(level, Iterable) else [level]
        if not levels:
            raise ConfigError("`level` must be a number or several, got none")
        selected = np.stack([self.selected(each) for each in levels], axis=1)
        pairs = self._pairs(np.asarray(selected.any(axis=1)), seed)
        preferences = np.full(len(pairs), 0.5)
        if self.merit is not None and self.merit_deviation is not None:
            gap = self.merit[pairs[:, 0]] - self.merit[pairs[:, 1]]
            noise = np.hypot(*self.merit_deviation[pairs].T) + 1e-9
            preferences = np.clip(_normal_share(gap / noise), 1.0 - _SURE, _SURE)
        else:
            pairs, preferences = pairs[:0], preferences[:0]
        beginnings, begun = self._beginnings(selected, levels)
        weights = np.concatenate([selected, begun])
        unknown = np.full(len(beginnings), np.nan)
        return Feedback.create(
            self.transitions,
            np.concatenate([self.segments, beginnings]),
            None if self.p_safe is None else np.concatenate([self.p_safe, unknown]),
            pairs,
            preferences,
            provenance=self._provenance(levels[0] if one else levels, seed),
            weights=weights[:, 0] if one else weights,
            levels=None if one else levels,
        )

    def _beginnings(
        self, selected: NDArray[np.bool_], levels: Sequence[float]
    ) -> tuple[Integers, Floats]:
        """
        :param selected: what is imitated whole, (U, G)
        :param levels: the safety level of each column, (G,)
        :return: beginnings of the better half of what is safe, (B, 3), and their weights, (B, G);
            nothing where all that is safe is imitated
        """
        merit = self._ranking
        if merit is None:
            return self.segments[:0], np.zeros((0, len(levels)))
        better = [select_better(self._bound, merit, level) for level in levels]
        chosen = np.stack(better, axis=1) & ~selected
        rows = np.flatnonzero(chosen.any(axis=1))
        beginnings = self.segments[rows].copy()
        beginnings[:, 2] = beginnings_of(beginnings[:, 2])
        weights = chosen[rows].astype(np.float64)
        weights[beginnings[:, 1] > 0] = 0.0  # a window of a long episode
        n_whole = self.segments[:, 2] @ selected
        n_begun = beginnings[:, 2] @ weights
        for column in np.flatnonzero(n_begun):
            weights[:, column] *= weight_of_beginnings(int(n_whole[column]), int(n_begun[column]))
        return beginnings, weights

    def corrected(self) -> Feedback:
        """
        The labels as given, each weighed against what models believe that have not seen it.

        :return: labels of the same segments: probabilities where they were certain
        """
        given, predicted = self.labelled.p_safe.astype(np.float64), self.label_p_safe
        p_safe = _posterior(predicted, given, self.error_rates.safety)
        preferences = self.labelled.preferences.astype(np.float64)
        if len(preferences):
            error_rate = self.error_rates.comparisons
            preferences = _posterior(self.label_preference, preferences, error_rate)
        return Feedback(
            segments=self.labelled.segments,
            p_safe=p_safe.astype(np.float32),
            comparisons=self.labelled.comparisons,
            preferences=preferences.astype(np.float32),
            episode_hashes=self.labelled.episode_hashes,
            dataset_id=self.labelled.dataset_id,
            provenance={**self.labelled.provenance, "corrected": True},
        )

    @cached_property
    def doubts(self) -> tuple[Doubt, ...]:
        """:return: labels that are more likely wrong than right, worst first"""
        found: list[Doubt] = []
        for kind in _KINDS:
            given, predicted, error_rate = self._seen_and_unseen(kind)
            certain = ~np.isnan(given) & (given != 0.5)
            p_given = np.where(given > 0.5, predicted, 1.0 - predicted)
            p_wrong = _posterior(1.0 - p_given, np.zeros_like(p_given), error_rate)
            for row in np.flatnonzero(certain & (p_wrong > 0.5)).tolist():
                found.append(
                    Doubt(kind, row, float(given[row]), float(predicted[row]), float(p_wrong[row]))
                )
        return tuple(sorted(found, key=lambda doubt: -doubt.p_wrong))

    def calibration(self, kind: Kind) -> tuple[Bin, ...]:
        """
        :param kind: of which labels
        :return: predicted probabilities that a person, who errs at times, gives a label of 1,
            beside the share of such labels
        :raises ConfigError: if ``kind`` is another word
        """
        check_arguments(Completion.calibration, {"kind": kind})
        given, predicted, error_rate = self._seen_and_unseen(kind)
        known = ~np.isnan(given) & ~np.isnan(predicted)
        return calibration(said_chance(predicted[known], error_rate), given[known])

    @cached_property
    def coverage(self) -> float:
        """:return: share of the steps that lie in a labelled segment"""
        change = np.zeros(len(self.transitions.actions) + 1, dtype=np.int64)
        labels = arrays_of(self.labelled, self.transitions)
        said = ~np.isnan(labels.p_safe)
        said[labels.comparisons] = True
        starts = labels.starts[said]
        np.add.at(change, starts, 1)
        np.add.at(change, starts + labels.lengths[said], -1)
        return float((np.cumsum(change)[:-1] > 0).mean())

    def _seen_and_unseen(self, kind: Kind) -> tuple[Floats, Floats, float]:
        """Labels as given, what models predict that have not seen them, and the error rate."""
        if kind == "safety":
            given, predicted = self.labelled.p_safe, self.label_p_safe
            return given.astype(np.float64), predicted, self.error_rates.safety
        given = self.labelled.preferences
        return given.astype(np.float64), self.label_preference, self.error_rates.comparisons

    def _pairs(self, selected: NDArray[np.bool_], seed: int) -> Integers:
        """Random pairs; in every other one the first segment is one that is to be imitated."""
        n = len(self.segments)
        if n < 2:
            return np.zeros((0, 2), dtype=np.int64)
        generator = np.random.default_rng(seed)
        n_pairs = min(_COMPARISONS_PER_SEGMENT * n, _MOST_COMPARISONS)
        first = generator.integers(n, size=n_pairs)
        first[::2] = generator.choice(np.flatnonzero(selected), len(first[::2]))
        second = (first + generator.integers(1, n, size=n_pairs)) % n
        return np.stack([first, second], axis=1)

    def _provenance(self, level: float | list[float], seed: int) -> Mapping[str, Any]:
        return {
            "source": "completed",
            "safety_level": level,
            "safety_model": str(self.safety_model),
            "seed": seed,
            "aligns": self.aligns,
            "aligns_exact": self.aligns_exact,
            "end_early": self.transitions.end_early,
            "given": {
                "comparisons": len(self.labelled.comparisons),
                "safety_labels": int((~np.isnan(self.labelled.p_safe)).sum()),
            },
            "from": dict(self.labelled.provenance),
        }


def _posterior(predicted: Floats, given: Floats, error_rate: float) -> Floats:
    """
    P(true label is 1) from what unseeing models predict and from what was said; NaN where nothing
    was said, and what was said where nothing is predicted.
    """
    says_one = said_chance(given, error_rate)
    one, zero = predicted * says_one, (1.0 - predicted) * (1.0 - says_one)
    return np.where(np.isnan(predicted), given, one / (one + zero))


def _normal_share(z: Floats) -> Floats:
    """The standard normal distribution function, by its logistic approximation."""
    return sigmoid(1.702 * z)
