"""What people did under one name, in numbers."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sb3_presa.annotation.answers.answer import Answer
from sb3_presa.annotation.consensus.agreement import (
    Agreement,
    AnnotatorSummary,
    intransitive_triples,
    preference_votes,
    safety_votes,
    summarize_agreement,
    summarize_annotator,
)


@dataclass(frozen=True)
class LabelsReport:
    """Counts, pace, balance and agreement.

    :param answers: how many stand.
    :param annotators: of each person, by name.
    :param preferences: agreement on which of two segments is better; a tie is a label of its own.
    :param safety: agreement on whether a segment is safe.
    :param ties: share of the votes on pairs that are ties; None without any vote.
    :param unsafe: share of the votes on segments that say unsafe; None without any vote.
    :param circular: circular triads of the preferences of all, each pair at the mean of its votes.
    :param triads: triads of which each pair has a winner.
    """

    answers: int
    annotators: tuple[AnnotatorSummary, ...]
    preferences: Agreement
    safety: Agreement
    ties: float | None
    unsafe: float | None
    circular: int
    triads: int

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON holds it; what is not defined is None."""
        return asdict(self)


def report_labels(answers: Iterable[Answer]) -> LabelsReport:
    """Describe what people answered.

    :param answers: in the order in which they were given.
    :return: the numbers.
    """
    answers = list(answers)
    compared, judged = preference_votes(answers), safety_votes(answers)
    means = {pair: sum(votes.values()) / len(votes) for pair, votes in compared.items()}
    circular, triads = intransitive_triples(means)
    names = sorted({answer.annotator for answer in answers})
    return LabelsReport(
        answers=len(answers),
        annotators=tuple(
            summarize_annotator(name, [one for one in answers if one.annotator == name])
            for name in names
        ),
        preferences=summarize_agreement(compared),
        safety=summarize_agreement(judged),
        ties=_share([vote == 0.5 for votes in compared.values() for vote in votes.values()]),
        unsafe=_share([vote == 0.0 for votes in judged.values() for vote in votes.values()]),
        circular=circular,
        triads=triads,
    )


def _share(values: list[bool]) -> float | None:
    return sum(values) / len(values) if values else None
