"""Agreement of people with guesses of a model: those that they saw, and those kept back."""

from collections.abc import Iterable
from dataclasses import dataclass

from sb3_presa.annotation.answers.answer import Answer
from sb3_presa.intervals import Interval, wilson


@dataclass(frozen=True)
class GuessAgreement:
    """
    The share of labels that are as a model expected, before the person gave them.

    :param kind: ``"preference"`` or ``"safety"``
    :param shown: whether people saw the guess
    :param n: number of labels; ties, and labels that nobody gave, do not count
    :param share: the share, in [0, 1]
    :param interval: its 95% interval, Wilson's
    """

    kind: str
    shown: bool
    n: int
    share: float
    interval: Interval


def agreement_with_guesses(answers: Iterable[Answer]) -> tuple[GuessAgreement, ...]:
    """
    Blind questions measure how good the guesses are. If people agree more often with guesses that
    they see, they follow them.

    :param answers: the answers; hidden repeats and questions with a known answer do not count.
    :return: one for each kind of label, shown and blind, where there are any.
    """
    found: dict[tuple[str, bool], list[bool]] = {}
    for answer in answers:
        guess = answer.guess
        if guess is None or answer.role != "asked":
            continue
        for kind, chance, said in (
            ("preference", guess.preference, answer.preference),
            ("safety", guess.safe_first, answer.safe_first),
            ("safety", guess.safe_second, answer.safe_second),
        ):
            if chance is not None and said in (0.0, 1.0):
                found.setdefault((kind, guess.shown), []).append((chance > 0.5) == (said == 1.0))
    return tuple(
        GuessAgreement(kind, shown, len(same), sum(same) / len(same), wilson(sum(same), len(same)))
        for (kind, shown), same in sorted(found.items())
    )
