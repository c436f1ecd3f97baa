"""Merges of the same answers, compared: without some people, and of two methods."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sb3_presa.annotation.answers.answer import Answer
from sb3_presa.annotation.consensus.agreement import Votes, preference_votes, safety_votes
from sb3_presa.annotation.consensus.merge import MergeMethod, merged_labels, people_first, without


@dataclass(frozen=True)
class Change:
    """Differences of the labels of one kind between two merges.

    :param labels: number of labels with everybody.
    :param lost: labels that nobody else gave.
    :param turned: labels of which another side wins, or of which a draw is decided or made.
    """

    labels: int
    lost: int
    turned: int


@dataclass(frozen=True)
class Effect:
    """The effect of leaving people out of the merge.

    :param people: who is left out.
    :param comparisons: the change in comparisons.
    :param safety: the change in safety labels.
    """

    people: tuple[str, ...]
    comparisons: Change
    safety: Change


def effect_without(
    answers: Sequence[Answer], people: Collection[str], method: MergeMethod = "majority"
) -> Effect:
    """Compare the merge of all answers with the merge without some people.

    :param answers: in the order in which they were given.
    :param people: who is left out.
    :param method: the method of both merges.
    """
    everybody = merged_labels(answers, method)
    others = merged_labels(without(answers, people), method)
    return Effect(
        tuple(sorted(people)),
        _change(everybody.preferences, others.preferences),
        _change(everybody.p_safe, others.p_safe),
    )


@dataclass(frozen=True)
class Overruled:
    """Majorities against which a method decides.

    :param labels: number of labels of several people of which a majority takes one side.
    :param turned: those of which the method takes the other side.
    """

    labels: int
    turned: int


def overruled_majorities(
    answers: Sequence[Answer], method: MergeMethod
) -> tuple[Overruled, Overruled]:
    """Compare a merge with the majority.

    :param answers: in the order in which they were given.
    :param method: the method of the merge.
    :return: of comparisons and of safety labels.
    """
    answers = people_first(answers)
    majority, merged = merged_labels(answers, "majority"), merged_labels(answers, method)
    compared, judged = preference_votes(answers), safety_votes(answers)
    return (
        _overruled(compared, majority.preferences, merged.preferences),
        _overruled(judged, majority.p_safe, merged.p_safe),
    )


def _overruled(votes: Votes, before: Mapping[Any, float], after: Mapping[Any, float]) -> Overruled:
    sides = [
        (_side(before[item]), _side(after[item]))
        for item, labels in votes.items()
        if len(labels) > 1 and _side(before[item])
    ]
    return Overruled(len(sides), sum(one == -other for one, other in sides))


def _change(before: Mapping[Any, float], after: Mapping[Any, float]) -> Change:
    return Change(
        labels=len(before),
        lost=len(before.keys() - after.keys()),
        turned=sum(
            _side(before[item]) != _side(label) for item, label in after.items() if item in before
        ),
    )


def _side(label: float) -> int:
    return (label > 0.5) - (label < 0.5)
