"""Consistency of each person: hidden repeats, and questions with a known answer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sb3_presa.annotation.answers.answer import Answer
from sb3_presa.annotation.consensus.agreement import in_time
from sb3_presa.intervals import wilson


@dataclass(frozen=True)
class Share:
    """A share of judgements, with a 95% interval.

    :param n: number of judgements; a comparison and each safety label is one.
    :param right: number of those that are as they should be.
    :param value: their share; None without judgements.
    :param low: lower end of Wilson's interval; None without judgements.
    :param high: upper end.
    """

    n: int
    right: int
    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, right: Iterable[bool]) -> "Share":
        """The share of what is true."""
        found = list(right)
        if not found:
            return cls(0, 0, None, None, None)
        low, high = wilson(sum(found), len(found))
        return cls(len(found), sum(found), sum(found) / len(found), low, high)

    def __str__(self) -> str:
        if self.value is None:
            return "-"
        return f"{self.value:.0%} [{self.low:.0%}, {self.high:.0%}] of {self.n}"


@dataclass(frozen=True)
class Consistency:
    """One person's consistency.

    :param annotator: the person.
    :param repeats: hidden repeats that were judged as before.
    :param known: questions with a known answer that were judged as the owner knows.
    """

    annotator: str
    repeats: Share
    known: Share


def consistency(answers: Iterable[Answer], known: Iterable[Answer]) -> tuple[Consistency, ...]:
    """The consistency of each person.

    :param answers: in the order in which they were given.
    :param known: what the owner knows, as answers.
    :return: one a person, sorted by name.
    """
    truth = {one.question: dict(_judgements(one)) for one in known}
    said: dict[tuple[str, Any], dict[Any, float]] = {}
    repeats: dict[str, list[bool]] = {}
    checked: dict[str, list[bool]] = {}
    for answer in in_time(answers):
        who = answer.annotator
        of_repeats, of_known = repeats.setdefault(who, []), checked.setdefault(who, [])
        if answer.role == "asked":
            said[who, answer.question] = dict(_judgements(answer))
            continue
        is_known = answer.role == "known"
        right = truth.get(answer.question) if is_known else said.get((who, answer.question))
        for item, label in _judgements(answer):
            if right is not None and item in right:
                (of_known if is_known else of_repeats).append(right[item] == label)
    return tuple(
        Consistency(who, Share.of(repeats[who]), Share.of(checked[who])) for who in sorted(repeats)
    )


def _judgements(answer: Answer) -> Iterator[tuple[Any, float]]:
    """The judgements of an answer, whichever way round its clips were shown."""
    ordered = answer.canonical()
    if ordered.preference is not None:
        yield "preference", ordered.preference
    if ordered.safe_first is not None:
        yield ordered.first, ordered.safe_first
    if ordered.second is not None and ordered.safe_second is not None:
        yield ordered.second, ordered.safe_second
