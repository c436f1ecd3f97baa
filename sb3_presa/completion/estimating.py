"""Label completion: estimates for all of the data from models of a few labels."""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from sb3_presa.arguments import Seed
from sb3_presa.completion.accuracy import Accuracy, balanced_share_right, share_right
from sb3_presa.completion.auc import auc
from sb3_presa.completion.completion import Completion
from sb3_presa.completion.features import Floats
from sb3_presa.completion.fitting import FittedLabels, fit_labels
from sb3_presa.completion.label_arrays import Labels
from sb3_presa.completion.label_models import SafetyModel
from sb3_presa.completion.segment_values import (
    half_means,
    p_safe_of_long,
    segment_p_safe,
    segment_sums,
)
from sb3_presa.data.datasets import DatasetLike
from sb3_presa.data.transitions import Transitions
from sb3_presa.feedback.table import Feedback

#: An episode longer than this many typical labelled segments is completed in windows of that size.
_LONGEST_WINDOW: Final = 20


def complete(
    dataset: DatasetLike | Transitions,
    feedback: str | Feedback = "default",
    *,
    safety_model: Literal["auto", "rate", "any"] = "auto",
    seed: Seed = 0,
) -> Completion:
    """
    Estimates for all of the data from the labels of some segments, and from nothing else: rewards
    and costs are not read. Outcomes add up over steps, so labels of short segments determine those
    of whole episodes; an ensemble of models averages wrong labels away.

    :param dataset: the labelled dataset: a Minari id, a path, an open dataset or its transitions
    :param feedback: the labels, or the name of the set beside the dataset
    :param safety_model: what "safe" means of a segment: the ``"rate"`` of risk per step is low, or
        not ``"any"`` of its steps went wrong. ``"auto"`` takes the one under which labels are more
        likely that models have not seen; labels of one length cannot tell, and ``"rate"`` is taken
    :param seed: seed of the models
    :return: the completion
    :raises FeedbackError: if there are no labels
    :raises ConfigError: if ``safety_model`` is another word, or ``seed`` out of its range
    """
    return completion_of(fit_labels(dataset, feedback, safety_model=safety_model, seed=seed))


def completion_of(fitted: FittedLabels) -> Completion:
    """
    :param fitted: models of labels
    :return: what they say of all of the data
    """
    transitions, labels, parts = fitted.transitions, fitted.labels, fitted.parts
    ensemble, meaning = fitted.ensemble, fitted.meaning
    segments, starts = _windows(transitions, labels)
    lengths = segments[:, 2]

    label_preference = np.zeros(0)
    merits = halves = None
    if ensemble.rewards is not None:
        label_preference = ensemble.unseen_preferences(labels, parts)
        merits = segment_sums(ensemble.rewards, starts, lengths) / lengths / ensemble.scale
        if transitions.end_early and _clips_are_compared(transitions, labels):
            merits = _of_what_ends(merits, lengths)
        halves = half_means(ensemble.rewards, starts, lengths).mean(axis=1) / ensemble.scale
    of_comparisons = _accuracy_of_comparisons(label_preference, labels.preferences)
    label_p_safe = np.full(len(labels.starts), np.nan)
    p_safe = lowest = None
    if ensemble.risks:
        label_p_safe = fitted.label_p_safe(meaning)
        risks = ensemble.risks[meaning]
        if meaning is SafetyModel.ANY:
            by_model = segment_p_safe(segment_sums(risks, starts, lengths), lengths, meaning)
        else:
            typical = int(np.median(labels.lengths[~np.isnan(labels.p_safe)]))
            by_model = p_safe_of_long(risks, starts, lengths, typical)
        p_safe, lowest = by_model.mean(axis=0), by_model.min(axis=0)
    known = ~np.isnan(labels.p_safe) & ~np.isnan(label_p_safe)
    predicted, given = label_p_safe[known], labels.p_safe[known]
    return Completion(
        labelled=fitted.feedback,
        transitions=transitions,
        segments=segments,
        merit=None if merits is None else merits.mean(axis=0),
        merit_deviation=None if merits is None else merits.std(axis=0),
        merit_of_halves=halves,
        p_safe=p_safe,
        p_safe_lowest=lowest,
        label_p_safe=label_p_safe,
        label_preference=label_preference,
        safety_model=meaning,
        preference_accuracy=of_comparisons,
        safety_accuracy=balanced_share_right(predicted, given),
        safety_ranking=auc(predicted, given),
        error_rates=ensemble.error_rates,
    )


def _clips_are_compared(transitions: Transitions, labels: Labels) -> bool:
    """Rather than whole episodes."""
    whole = labels.lengths == transitions.episode_lengths[labels.episodes]
    return bool(whole[labels.comparisons].mean() < 0.5)


def _of_what_ends(merits: Floats, lengths: NDArray[np.int64]) -> Floats:
    """
    The merit of whole segments, (K, U), where comparisons of clips leave open what a step is worth
    that was never taken. It counts as much as a step of the worst segment. So what is fast and ends
    early does not rank above what goes on.
    """
    above = merits - merits.min(axis=1, keepdims=True)
    return np.asarray(above * (lengths / lengths.max()))


def _windows(
    transitions: Transitions, labels: Labels
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Whole episodes, or equal windows of long ones, and the first row of each."""
    longest = _LONGEST_WINDOW * int(np.median(labels.lengths))
    rows = []
    for episode, start, length in zip(
        transitions.episode_ids.tolist(),
        transitions.episode_starts.tolist(),
        transitions.episode_lengths.tolist(),
        strict=True,
    ):
        edges = np.linspace(0, length, -(-length // longest) + 1).astype(np.int64)
        for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            rows.append((episode, first, last - first, start + first))
    table = np.asarray(rows, dtype=np.int64)
    return table[:, :3], table[:, 3]


def _accuracy_of_comparisons(predicted: Floats, preferences: Floats) -> Accuracy:
    decided = (preferences != 0.5) & ~np.isnan(predicted)
    first = predicted[decided] > 0.5
    return share_right((first == (preferences[decided] > 0.5)).astype(np.float64))
