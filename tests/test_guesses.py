"""Guesses of a model: on which questions, who sees them, and how often people agree."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from annotation_desk import LENGTH, open_office, transitions, wait_for

from sb3_presa.annotation.answers.answer import Answer, Guess, Role, Segment
from sb3_presa.annotation.asking.desk import DeskOptions
from sb3_presa.annotation.asking.guesses import FEWEST, Guesser
from sb3_presa.annotation.asking.places import Choices
from sb3_presa.annotation.asking.pool import Pair, draw_pool
from sb3_presa.annotation.consensus.guessed import agreement_with_guesses

DATA = transitions()


def mean(segment: Segment) -> float:
    start = segment[0] * 50 + segment[1]
    assert not isinstance(DATA.observations, dict)
    return float(DATA.observations[start : start + segment[2], 0].mean())


def answers(n: int) -> list[Answer]:
    """Of somebody who likes a large first number, and calls a small one unsafe."""
    pool = draw_pool(DATA, LENGTH, 2 * n, 0)
    pairs = zip(pool[::2], pool[1::2], strict=True)
    return [
        Answer(
            "ann", a, b, float(mean(a) > mean(b)), float(mean(a) > 0), float(mean(b) > 0), 1.0, 0.0
        )
        for a, b in pairs
    ]


def test_guesses_begin_with_enough_answers_and_are_better_than_chance() -> None:
    guesser = Guesser(DATA, draw_pool(DATA, LENGTH, 200, 1), blind=0.25)
    said = answers(150)
    pairs = [Pair(one.first, one.second) for one in said[50:] if one.second is not None]
    assert guesser.guess(pairs, said[: FEWEST - 1]) == [None] * 100
    hidden = [replace(one, role="repeat") for one in said[:FEWEST]]
    assert guesser.guess(pairs, hidden) == [None] * 100
    guesses = guesser.guess(pairs, said[:50])
    assert guesses == guesser.guess(pairs, said[:50])
    judged = [replace(a, guess=g) for a, g in zip(said[50:], guesses, strict=True)]
    found = agreement_with_guesses(judged)
    assert [(one.kind, one.shown) for one in found] == [
        ("preference", False), ("preference", True), ("safety", False), ("safety", True)
    ]  # fmt: skip
    assert found[0].n + found[1].n == 100
    assert 15 < found[0].n < 35
    for one in found:
        assert one.share > 0.7
        assert one.interval[0] < one.share <= one.interval[1]


def test_agreement_is_counted_by_label_and_by_what_people_saw() -> None:
    def said(
        guess: Guess | None, preference: float, safe: Sequence[float | None], role: Role = "asked"
    ) -> Answer:
        one, other = (0, 0, 5), (1, 0, 5)
        said = Answer("ann", one, other, preference, safe[0], safe[1], None, None)
        return replace(said, guess=guess, role=role)

    seen, blind = Guess(0.9, 0.2, 0.8), Guess(0.9, 0.2, None, shown=False)
    found = agreement_with_guesses(
        [
            said(seen, 1.0, (0.0, 0.0)),
            said(seen, 0.5, (None, 1.0)),
            said(blind, 0.0, (0.0, 1.0)),
            said(blind, 0.0, (0.0, 1.0), "known"),
            said(None, 1.0, (1.0, 1.0)),
        ]
    )
    assert [(one.kind, one.shown, one.n, one.share) for one in found] == [
        ("preference", False, 1, 0.0),
        ("preference", True, 1, 1.0),
        ("safety", False, 1, 1.0),
        ("safety", True, 3, pytest.approx(2 / 3)),
    ]


def test_the_page_shows_guesses_but_not_of_blind_or_shared_questions(tmp_path: Path) -> None:
    guesser = Guesser(DATA, draw_pool(DATA, LENGTH, 200, 1), blind=0.3)
    options = DeskOptions(target=90, overlap=0.3, ahead=3)
    with open_office(tmp_path, options=options, guesser=guesser) as office:
        sent = []
        for _ in range(80):
            wait_for(lambda: office.desk.state("ann")["status"] == "ask")
            place = office.desk.state("ann")["place"]
            sent.append(place["guess"])
            choices = Choices(1.0, 1.0, 0.0)
            token = secrets.token_hex(16)
            office.desk.queues.record("ann", place["token"], token, choices, 1.0)
            office.desk.wake()
        stored = office.store.answers()
        with office.store.reading() as database:
            rows = database.execute(
                "SELECT pairs.shared FROM answers JOIN pairs ON pairs.id = pair ORDER BY answers.id"
            )
            shared = [bool(row[0]) for row in rows]
    assert all(one.guess is None for one in stored[:FEWEST])
    later = list(zip(stored, sent, shared, strict=True))[FEWEST + 3 :]
    for one, guess, of_all in later:
        assert one.guess is not None
        assert one.guess.preference is not None
        assert (guess is not None) == one.guess.shown
        if guess is not None:
            assert not of_all
            assert guess["preference"] == ("left" if one.guess.preference > 0.5 else "right")
            assert set(guess) == {"preference", "left", "right"}
    blind = [one.guess.shown for one, _, of_all in later if one.guess and not of_all].count(False)
    assert 2 < blind < 25
