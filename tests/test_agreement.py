"""Agreement between people, against numbers from the literature and worked out by hand."""

from dataclasses import replace
from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sb3_presa.annotation.answers.answer import Answer, Role, Segment
from sb3_presa.annotation.consensus.agreement import (
    cohens_kappa,
    intransitive_triples,
    krippendorffs_alpha,
    percent_agreement,
    preference_votes,
    safety_votes,
    summarize_agreement,
    summarize_annotator,
)
from sb3_presa.annotation.consensus.report import report_labels

A, B, C, D = ((0, start, 5) for start in (0, 5, 10, 15))


def answer(
    who: str,
    first: Segment = A,
    second: Segment | None = B,
    preference: float | None = None,
    safe: tuple[float | None, float | None] = (None, None),
    seconds: float | None = 2.0,
) -> Answer:
    return Answer(who, first, second, preference, *safe, seconds=seconds, answered_at=0.0)


def table(counts: list[list[int]]) -> tuple[list[int], list[int]]:
    """Two raters' labels with this table of contingency."""
    cells = [(i, j) for i, row in enumerate(counts) for j, n in enumerate(row) for _ in range(n)]
    return [i for i, _ in cells], [j for _, j in cells]


def test_kappa_of_published_tables() -> None:
    # The textbook two by two: p_o = .7, p_e = .5.
    assert cohens_kappa(*table([[20, 5], [10, 15]])) == pytest.approx(0.4)
    # Three diagnoses, two raters, the example of Bonnardel's Kappa: p_o = .770, p_e = .336.
    diagnoses = table([[25, 3, 5], [6, 32, 8], [1, 0, 20]])
    assert percent_agreement(*diagnoses) == pytest.approx(0.77)
    assert cohens_kappa(*diagnoses) == pytest.approx(0.654, abs=5e-4)
    # By hand: they never agree, p_e = 1/2, so (0 - 1/2) / (1/2).
    assert cohens_kappa(*table([[0, 4], [4, 0]])) == pytest.approx(-1.0)
    assert cohens_kappa(*table([[7]])) is None
    assert cohens_kappa([], []) is None


def test_alpha_of_krippendorffs_own_examples() -> None:
    """Krippendorff, Computing Krippendorff's Alpha-Reliability (2011): examples A and C."""
    two_observers = ["0100000000", "1110010100"]
    assert alpha_of(two_observers) == pytest.approx(0.095, abs=5e-4)
    four_observers = [
        "123321412...",
        "1233224125.3",
        ".33323422 51.".replace(" ", ""),
        "12332441251.",
    ]
    assert alpha_of(four_observers) == pytest.approx(0.743, abs=5e-4)
    assert alpha_of(["111", "111"]) is None
    assert alpha_of(["1.2", ".1."]) is None


def alpha_of(observers: list[str]) -> float | None:
    return krippendorffs_alpha(
        {
            unit: {str(o): float(code) for o, code in enumerate(codes) if code != "."}
            for unit, codes in enumerate(zip(*observers, strict=True))
        }
    )


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_agreement_does_not_depend_on_names_and_order(labels: list[tuple[int, int]]) -> None:
    first, second = [a for a, _ in labels], [b for _, b in labels]
    renamed = {0: 2, 1: 0, 2: 1}
    kappa = cohens_kappa(first, second)
    assert cohens_kappa(second, first) == pytest.approx(kappa)
    assert cohens_kappa([renamed[a] for a in first], [renamed[b] for b in second]) == (
        pytest.approx(kappa)
    )
    assert kappa is None or kappa <= 1.0
    assert kappa != 1.0 or first == second


def test_circular_triads_are_all_found() -> None:
    segments = [(0, start, 1) for start in range(6)]
    # Kendall and Babington Smith: a regular tournament of five has the most circles, five.
    regular = {
        (segments[i], segments[j]): float((j - i) % 5 in (1, 2))
        for i, j in combinations(range(5), 2)
    }
    assert intransitive_triples(regular) == (5, 10)
    ranked = dict.fromkeys(combinations(segments, 2), 1.0)
    assert intransitive_triples(ranked) == (0, 20)
    tied = {(A, B): 1.0, (B, C): 1.0, (A, C): 0.5}
    assert intransitive_triples(tied) == (0, 0)


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=15, max_size=15))
def test_triads_are_counted_as_by_trying_all(preferences: list[float]) -> None:
    segments = [(0, start, 1) for start in range(6)]
    given_ = dict(zip(combinations(segments, 2), preferences, strict=True))
    beats = {(a, b) for (a, b), p in given_.items() if p == 1.0}
    beats |= {(b, a) for (a, b), p in given_.items() if p == 0.0}
    circles = full = 0
    for triple in combinations(segments, 3):
        won = [{(a, b), (b, c), (c, a)} <= beats for a, b, c in permutations(triple)]
        circles += any(won)
        full += sum(pair in beats for pair in permutations(triple, 2)) == 3
    assert intransitive_triples(given_) == (circles, full)


def test_votes_are_matched_whichever_way_round_a_pair_was_shown() -> None:
    answers = [
        answer("ann", A, B, 1.0, safe=(1.0, 0.0)),
        answer("bob", B, A, 0.0, safe=(0.0, None)),
        answer("cid", B, A, 1.0),
        answer("ann", B, A, 1.0),  # ann changes her mind
        answer("dee", A, None, None, safe=(0.0, None)),
        answer("dee", A, B, None),  # skipped
    ]
    assert preference_votes(answers) == {(A, B): {"ann": 0.0, "bob": 1.0, "cid": 0.0}}
    assert safety_votes(answers) == {A: {"ann": 1.0, "dee": 0.0}, B: {"ann": 0.0, "bob": 0.0}}


@pytest.mark.parametrize("role", ["repeat", "known"])
def test_hidden_repeats_and_known_questions_have_no_vote(role: Role) -> None:
    asked = answer("ann", preference=1.0, safe=(1.0, None))
    hidden = replace(asked, preference=0.0, safe_first=0.0, role=role)
    assert preference_votes([asked, hidden]) == {(A, B): {"ann": 1.0}}
    assert safety_votes([asked, hidden]) == {A: {"ann": 1.0}}
    assert not preference_votes([hidden])


def test_agreement_of_several_people() -> None:
    votes = {
        (A, B): {"ann": 1.0, "bob": 1.0, "cid": 0.0},
        (A, C): {"ann": 0.0, "bob": 0.0},
        (B, C): {"ann": 0.5},
    }
    found = summarize_agreement(votes, mirror=True)
    assert (found.items, found.shared) == (3, 2)
    assert found.agreement == pytest.approx(2 / 4)  # 1 of 3 pairs of votes, and 1 of 1
    by_name = {(pair.first, pair.second): pair for pair in found.pairs}
    assert by_name["ann", "bob"].items == 2
    assert by_name["ann", "bob"].kappa == pytest.approx(1.0)
    assert by_name["ann", "cid"].agreement == 0.0
    # By hand, both ways round: o_{01} + o_{10} = 4, n_0 = n_1 = 5: 1 - 9 * 4 / (2 * 5 * 5).
    assert found.alpha == pytest.approx(0.28)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ann", "bob", "cid"]),
            st.sampled_from([*combinations(range(4), 2)]),
            st.sampled_from([0.0, 0.5, 1.0, None]),
            st.sampled_from([(1.0, 0.0), (0.0, 0.0), (None, 1.0)]),
        ),
        min_size=1,
        max_size=30,
    ),
    st.permutations(range(4)),
)
def test_the_numbers_of_episodes_and_the_sides_change_no_figure(
    rows: list[tuple[str, tuple[int, int], float | None, tuple[float | None, float | None]]],
    numbers: list[int],
) -> None:
    answers = [answer(who, (a, 0, 5), (b, 0, 5), p, safe) for who, (a, b), p, safe in rows]
    renamed = [
        answer(who, (numbers[a], 0, 5), (numbers[b], 0, 5), p, safe)
        for who, (a, b), p, safe in rows
    ]
    sides = [
        answer(who, (b, 0, 5), (a, 0, 5), None if p is None else 1.0 - p, safe[::-1])
        for who, (a, b), p, safe in rows
    ]
    found = report_labels(answers)
    assert report_labels(renamed) == found
    for kind in ("preferences", "safety", "ties", "unsafe", "circular", "triads"):
        assert getattr(report_labels(sides), kind) == getattr(found, kind)


def test_what_one_person_did() -> None:
    answers = [
        answer("ann", A, B, 1.0, safe=(1.0, 0.0), seconds=1.0),
        answer("ann", B, C, 1.0, safe=(0.0, 1.0), seconds=2.0),
        answer("ann", C, A, 1.0, safe=(0.0, 1.0), seconds=3.0),  # a circle; C is unsafe now
        answer("ann", A, D, 0.5, seconds=10.0),
        answer("ann", D, B, None, seconds=4.0),
        answer("ann", B, A, 0.0, seconds=4.0),  # as before, seen from the other side
    ]
    found = summarize_annotator("ann", answers)
    assert (found.answers, found.skipped, found.ties) == (6, 1, 1)
    assert found.share_first == pytest.approx(3 / 4)
    assert (found.safe, found.unsafe) == (1, 2)
    assert found.median_seconds == pytest.approx(3.5)
    assert found.per_hour == pytest.approx(6 / 24 * 3600)
    assert (found.repeats, found.repeats_same) == (4, 3)
    assert (found.circular, found.triads) == (1, 1)


def test_a_pace_is_of_the_answers_whose_time_is_known() -> None:
    timed = answer("ann", A, B, 1.0, seconds=6.0)
    untimed = answer("ann", B, C, 1.0, seconds=None)
    found = summarize_annotator("ann", [timed, untimed])
    assert (found.median_seconds, found.per_hour) == (6.0, 600.0)
    found = summarize_annotator("ann", [untimed])
    assert (found.answers, found.median_seconds, found.per_hour) == (1, None, None)
