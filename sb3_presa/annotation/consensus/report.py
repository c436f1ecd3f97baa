"""Statistics of all answers under one name."""

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
from sb3_presa.annotation.consensus.consistency import Consistency, consistency
from sb3_presa.annotation.consensus.guessed import GuessAgreement, agreement_with_guesses


@dataclass(frozen=True)
class LabelsReport:
    """Counts, pace, balance and agreement.

    :param answers: number of valid answers.
    :param annotators: statistics of each person, sorted by name.
    :param preferences: agreement on preferences; a tie is a separate label.
    :param safety: agreement on safety labels.
    :param ties: share of ties among votes on pairs; None without votes.
    :param unsafe: share of "unsafe" among votes on segments; None without votes.
    :param guesses: agreement with guesses of a model, shown and blind; empty without guesses.
    :param circular: circular triads of all preferences, with the mean of the votes of each pair.
    :param triads: number of triads in which each pair has a winner.
    :param consistency: hidden repeats and known questions of each person.
    """

    answers: int
    annotators: tuple[AnnotatorSummary, ...]
    preferences: Agreement
    safety: Agreement
    ties: float | None
    unsafe: float | None
    guesses: tuple[GuessAgreement, ...]
    circular: int
    triads: int
    consistency: tuple[Consistency, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The statistics as JSON values; undefined ones are None."""
        return asdict(self)


def report_labels(answers: Iterable[Answer], known: Iterable[Answer] = ()) -> LabelsReport:
    """Compute the statistics of answers.

    :param answers: in the order in which they were given.
    :param known: what the owner knows, as answers.
    :return: the statistics.
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
        preferences=summarize_agreement(compared, mirror=True),
        safety=summarize_agreement(judged, mirror=False),
        ties=_share([vote == 0.5 for votes in compared.values() for vote in votes.values()]),
        unsafe=_share([vote == 0.0 for votes in judged.values() for vote in votes.values()]),
        guesses=agreement_with_guesses(answers),
        circular=circular,
        triads=triads,
        consistency=consistency(answers, known),
    )


def _share(values: list[bool]) -> float | None:
    return sum(values) / len(values) if values else None
