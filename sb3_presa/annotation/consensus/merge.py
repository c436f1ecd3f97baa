"""Merges the answers of several people into feedback for training."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from sb3_presa.annotation.answers.answer import Answer, Segment, is_model
from sb3_presa.annotation.answers.fitting import REMEDY, Fit, fit, warn_of_changed
from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.annotation.consensus.agreement import Votes, preference_votes, safety_votes
from sb3_presa.annotation.consensus.details import (
    Scale,
    moment_votes,
    split_at_moments,
    strength_scales,
)
from sb3_presa.annotation.consensus.noise_model import NoiseModel, fit_noise_model
from sb3_presa.data.datasets import DatasetLike
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError, FeedbackError
from sb3_presa.feedback.table import Feedback
from sb3_presa.feedback.unmerged import ANSWERS_SUFFIX

MergeMethod: TypeAlias = Literal["majority", "mean", "noise-model"]
METHODS: tuple[MergeMethod, ...] = get_args(MergeMethod)

Merged: TypeAlias = dict[Any, float]
_PLAIN = Scale()


def merge_answers(
    answers: AnswerStore | Iterable[Answer],
    dataset: DatasetLike | Transitions,
    method: MergeMethod = "majority",
    *,
    left_out: Collection[str] = (),
    prior_accuracy: float = 0.8,
    prior_strength: float = 4.0,
) -> Feedback:
    """Merge answers to one preference per pair and one safety label per segment.

    If a person judged the same twice, the last answer counts: by its time if that is known, by its
    place otherwise. Nothing else depends on the order of the answers. Pairs are matched in both
    orders of their segments. The stored answers are not changed.

    Answers of models (``"model:NAME"``) count only where no person has answered.

    A winner counts by how much better it was said to be
    (:data:`~sb3_presa.annotation.consensus.details.CONVICTIONS`). A segment that is called unsafe
    from a moment also gives labels to its start and to the step of that moment.

    :param answers: the store, or answers in the order in which they were given. Of a store, the
        provenance names the last answer, so that training can tell which came later.
    :param dataset: the labelled dataset: a Minari id, a path, an open dataset or its transitions.
        Answers of a store about episodes that changed since are left out, with a warning.
    :param method: ``"majority"``: the majority vote; equal numbers of votes give 0.5 (a tie, or an
        unsure safety label). ``"mean"``: the mean of the votes. ``"noise-model"``: the probability
        under a model of each person's errors, see
        :func:`~sb3_presa.annotation.consensus.noise_model.fit_noise_model`; a tie counts half.
    :param left_out: people whose answers are not merged, each of whom has given some.
    :param prior_accuracy: for the noise model, in (0, 1): prior accuracy of a person.
    :param prior_strength: for the noise model, at least 0: weight of the prior, as a number of
        labels.
    :return: the feedback. Its provenance names the method, the annotators and their counts.
    :raises ConfigError: if an argument is out of its range.
    :raises FeedbackError: if the answers have no labels, a segment is not in the dataset, or all
        answers of a store are about episodes that changed.
    """
    if method not in METHODS:
        raise ConfigError(f"`method` must be one of {', '.join(METHODS)}, got {method!r}")
    if not 0.0 < prior_accuracy < 1.0:
        raise ConfigError(f"`prior_accuracy` must be in (0, 1), got {prior_accuracy}")
    if not 0.0 <= prior_strength < np.inf:
        raise ConfigError(f"`prior_strength` must be at least 0 and finite, got {prior_strength}")
    store: dict[str, Any] = {}
    if isinstance(answers, AnswerStore):
        dataset = dataset if isinstance(dataset, Transitions) else load_transitions(dataset)
        with answers.reading():  # both as they are now, although people go on
            name = answers.path.name.removesuffix(ANSWERS_SUFFIX)
            store = {"store": {"name": name, "last": answers.last_number}}
            found = _fitting(answers, dataset)
    else:
        found = Fit(list(answers), [])
    people, answers = found.people, found.answers
    if isinstance(left_out, str) or not people.issuperset(left_out):
        raise ConfigError(
            "`left_out` must be a list of names among "
            f"{', '.join(sorted(people)) or 'none'}, got {left_out!r}"
        )
    answers = without(answers, left_out)
    merged = merged_labels(answers, method, prior_accuracy, prior_strength)
    if not merged.preferences and not merged.p_safe:
        raise FeedbackError(
            "answers must contain at least one preference or safety label to merge, got none in "
            f"{len(answers)} answers"
        )
    provenance: dict[str, Any] = {
        "source": "annotators",
        "method": method,
        "annotators": merged.counts,
        "answers": len(answers),
        **store,
        "strategies": sorted({answer.strategy for answer in answers}),
        **merged.facts,
    }
    if left_out:
        provenance["left_out"] = sorted(left_out)
    return _to_feedback(dataset, merged.preferences, merged.p_safe, provenance)


def _fitting(store: AnswerStore, transitions: Transitions) -> Fit:
    """The answers on episodes that are as people were shown them; a warning counts the others."""
    found = fit(store, transitions)
    if found.changed and not found.answers:
        raise FeedbackError(
            f"at least one answer must be about an unchanged episode of "
            f"'{transitions.dataset_id}', but {found.words}: they belong to other data "
            f"({store.path}). {REMEDY}"
        )
    warn_of_changed(found, store, "they are not merged")
    return found


def without(answers: Iterable[Answer], people: Collection[str]) -> list[Answer]:
    """The answers of all others.

    :param answers: the answers.
    :param people: who is left out.
    """
    return [answer for answer in answers if answer.annotator not in people]


@dataclass(frozen=True)
class MergedLabels:
    """The labels of a merge.

    :param preferences: of each pair, smaller segment first: P(first is preferred).
    :param p_safe: of each segment, and of parts of segments that are unsafe from a moment.
    :param counts: numbers of answers and labels of each person.
    :param facts: what the feedback's provenance says of them beside.
    """

    preferences: Merged
    p_safe: Merged
    counts: dict[str, dict[str, int]]
    facts: dict[str, Any]


def merged_labels(
    answers: Sequence[Answer],
    method: MergeMethod = "majority",
    prior_accuracy: float = 0.8,
    prior_strength: float = 4.0,
) -> MergedLabels:
    """Merge answers without a dataset, see :func:`merge_answers`.

    :param answers: in the order in which they were given.
    :param method: as there.
    :param prior_accuracy: as there.
    :param prior_strength: as there.
    """
    answers = people_first(answers)
    compared, judged = _sorted(preference_votes(answers)), _sorted(safety_votes(answers))
    scales, facts = strength_scales(answers), dict[str, Any]()
    if method == "noise-model":
        prior = (prior_accuracy, prior_strength)
        preferences, errors = _merge_by_model(compared, (0.0, 0.5, 1.0), scales, *prior)
        p_safe, mistakes = _merge_by_model(judged, (0.0, 1.0), {}, *prior)
        facts |= {"prior_accuracy": prior_accuracy, "prior_strength": prior_strength}
        facts["noise_model"] = {"preference": errors, "safety": mistakes}
    else:
        preferences = {
            item: _vote(labels, method, scales[item]) for item, labels in compared.items()
        }
        p_safe = {item: _vote(labels, method) for item, labels in judged.items()}
    parts = split_at_moments(
        moment_votes(answers), judged, p_safe, lambda labels: _vote(labels, method)
    )
    if parts:
        p_safe |= parts
        facts["parts"] = len(parts)
    return MergedLabels(preferences, p_safe, _counts(answers, compared, judged), facts)


def people_first(answers: Sequence[Answer]) -> list[Answer]:
    """The answers, without what models say of things that a person has judged.

    :param answers: the answers.
    """
    people = [answer for answer in answers if not is_model(answer.annotator)]
    compared, judged = preference_votes(people), safety_votes(people)
    return [_beside(answer, compared, judged) for answer in answers]


def _beside(answer: Answer, compared: Votes, judged: Votes) -> Answer:
    if not is_model(answer.annotator):
        return answer
    if answer.question in compared:
        answer = replace(answer, preference=None, strength=None)
    if answer.first in judged:
        answer = replace(answer, safe_first=None, unsafe_from_first=None)
    if answer.second in judged:
        answer = replace(answer, safe_second=None, unsafe_from_second=None)
    return answer


def _sorted(votes: Votes) -> Votes:
    """Votes in one order, on which the last bit of sums and the rows of the feedback depend."""
    return {item: dict(sorted(votes[item].items())) for item in sorted(votes)}


def _vote(labels: Mapping[str, float], method: MergeMethod, scale: Scale = _PLAIN) -> float:
    if method != "majority":
        return float(np.mean([scale[round(2 * label)] for label in labels.values()]))
    values = list(labels.values())
    # A tie is a label like others; without a single most frequent label, the result is 0.5.
    numbers = sorted(((values.count(label), label) for label in set(values)), reverse=True)
    leads = len(numbers) == 1 or numbers[0][0] > numbers[1][0]
    return scale[round(2 * numbers[0][1])] if leads else 0.5


def _merge_by_model(
    votes: Votes,
    scale: Sequence[float],
    scales: Mapping[Any, Scale],
    prior_accuracy: float,
    prior_strength: float,
) -> tuple[Merged, dict[str, Any]]:
    """The expected label of each item, and the model's description of the annotators.

    Items may have scales of their own, by which each class counts in the expectation.
    """
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
    values = np.asarray([scales.get(item, scale) for item in votes])
    expected = np.clip((model.posterior * values).sum(axis=1), 0.0, 1.0)
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
