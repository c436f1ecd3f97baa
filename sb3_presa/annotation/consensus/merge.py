"""Answers of several people become the feedback that PRESA trains on."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from sb3_presa.annotation.answers.answer import Answer, Segment
from sb3_presa.annotation.consensus.agreement import Votes, preference_votes, safety_votes
from sb3_presa.annotation.consensus.noise_model import NoiseModel, fit_noise_model
from sb3_presa.data.datasets import DatasetLike
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError, FeedbackError
from sb3_presa.feedback.table import Feedback

MergeMethod: TypeAlias = Literal["majority", "mean", "noise-model"]
METHODS: tuple[MergeMethod, ...] = get_args(MergeMethod)

Merged: TypeAlias = dict[Any, float]


def merge_answers(
    answers: Iterable[Answer],
    dataset: DatasetLike | Transitions,
    method: MergeMethod = "majority",
    *,
    prior_accuracy: float = 0.8,
    prior_strength: float = 4.0,
) -> Feedback:
    """One preference a pair and one safety label a segment, from all that people said.

    Of a person who judged the same twice, the last word counts. Pairs are matched whichever way
    round they were shown. The answers themselves are not changed: they say who said what.

    :param answers: in the order in which they were given.
    :param dataset: the labelled dataset: a Minari id, a path, an open dataset or its transitions.
    :param method: ``"majority"``: what most say; as many for as against is a tie (0.5), and a
        segment that as many call safe as unsafe gets 0.5, too. ``"mean"``: the share of the votes.
        ``"noise-model"``: the probability under a model of each person's errors, see
        :func:`~sb3_presa.annotation.consensus.noise_model.fit_noise_model`; a tie counts half.
    :param prior_accuracy: for the noise model, in (0, 1): how often somebody is right of whom
        nothing is known.
    :param prior_strength: for the noise model, at least 0: how many labels that is worth.
    :return: the feedback. Its provenance names the method, the annotators and their counts.
    :raises ConfigError: for an argument out of its range.
    :raises FeedbackError: if there is nothing to merge, or a segment is not in the dataset.
    """
    if method not in METHODS:
        raise ConfigError(f"method is {method!r}; allowed are {', '.join(METHODS)}")
    if not 0.0 < prior_accuracy < 1.0:
        raise ConfigError(f"prior_accuracy is {prior_accuracy}; allowed is (0, 1)")
    if not 0.0 <= prior_strength < np.inf:
        raise ConfigError(f"prior_strength is {prior_strength}; it must be at least 0")
    answers = list(answers)
    compared, judged = preference_votes(answers), safety_votes(answers)
    if not compared and not judged:
        raise FeedbackError(
            f"There is nothing to merge: of {len(answers)} answers none prefers a segment or "
            "judges whether one is safe."
        )
    provenance: dict[str, Any] = {
        "source": "annotators",
        "method": method,
        "annotators": _counts(answers, compared, judged),
        "answers": len(answers),
        "strategies": sorted({answer.strategy for answer in answers}),
    }
    if method == "noise-model":
        prior = (prior_accuracy, prior_strength)
        preferences, errors = _merge_by_model(compared, (0.0, 0.5, 1.0), *prior)
        p_safe, mistakes = _merge_by_model(judged, (0.0, 1.0), *prior)
        provenance |= {"prior_accuracy": prior_accuracy, "prior_strength": prior_strength}
        provenance["noise_model"] = {"preference": errors, "safety": mistakes}
    else:
        preferences = {item: _vote(labels, method) for item, labels in compared.items()}
        p_safe = {item: _vote(labels, method) for item, labels in judged.items()}
    return _to_feedback(dataset, preferences, p_safe, provenance)


def _vote(labels: Mapping[str, float], method: MergeMethod) -> float:
    values = list(labels.values())
    if method == "mean":
        return float(np.mean(values))
    # Ties are votes of their own; without a label that leads all others, it is a draw.
    numbers = sorted(((values.count(label), label) for label in set(values)), reverse=True)
    leads = len(numbers) == 1 or numbers[0][0] > numbers[1][0]
    return numbers[0][1] if leads else 0.5


def _merge_by_model(
    votes: Votes, scale: Sequence[float], prior_accuracy: float, prior_strength: float
) -> tuple[Merged, dict[str, Any]]:
    """The expected label of each item, and what the model makes of the annotators."""
    if not votes:
        return {}, {}
    people = sorted({person for labels in votes.values() for person in labels})
    triples = [
        (item, people.index(person), scale.index(label))
        for item, labels in enumerate(votes.values())
        for person, label in labels.items()
    ]
    items, who, labels_given = np.asarray(triples, np.int64).T
    # The order of a pair is arbitrary, so errors on preferences mirror each other.
    model = fit_noise_model(
        items,
        who,
        labels_given,
        len(scale),
        prior_accuracy=prior_accuracy,
        prior_strength=prior_strength,
        mirror=len(scale) == 3,
    )
    expected = np.clip(model.posterior @ np.asarray(scale), 0.0, 1.0)
    return dict(zip(votes, expected.tolist(), strict=True)), _describe(model, people)


def _describe(model: NoiseModel, people: Sequence[str]) -> dict[str, Any]:
    accuracy = np.einsum("acc,c->a", model.confusion, model.prevalence)
    return {
        "classes": model.prevalence.round(4).tolist(),
        "accuracy": {
            who: round(float(share), 4) for who, share in zip(people, accuracy, strict=True)
        },
        "iterations": model.iterations,
    }


def _counts(answers: Sequence[Answer], compared: Votes, judged: Votes) -> dict[str, dict[str, int]]:
    return {
        who: {
            "answers": sum(answer.annotator == who for answer in answers),
            "comparisons": sum(who in labels for labels in compared.values()),
            "safety_labels": sum(who in labels for labels in judged.values()),
        }
        for who in sorted({answer.annotator for answer in answers})
    }


def _to_feedback(
    dataset: DatasetLike | Transitions,
    preferences: Mapping[tuple[Segment, Segment], float],
    p_safe: Mapping[Segment, float],
    provenance: Mapping[str, Any],
) -> Feedback:
    segments = sorted({s for pair in preferences for s in pair} | set(p_safe))
    rows = {segment: row for row, segment in enumerate(segments)}
    pairs: npt.NDArray[np.int64] = np.asarray(
        [(rows[first], rows[second]) for first, second in preferences], np.int64
    ).reshape(-1, 2)
    return Feedback.create(
        dataset,
        segments,
        p_safe=[p_safe.get(segment) for segment in segments],
        comparisons=pairs,
        preferences=list(preferences.values()),
        provenance=provenance,
    )
