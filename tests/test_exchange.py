"""Answers and feedback as CSV and JSON Lines: lossless, and refusals that name line and column."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import assert_same, episode, write

from sb3_presa.annotation.answers.answer import ROLES, Answer, Guess
from sb3_presa.annotation.answers.exchange import (
    export_answers,
    export_feedback,
    holds_answers,
    import_answers,
    import_feedback,
)
from sb3_presa.annotation.answers.people import composed
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import FeedbackError
from sb3_presa.feedback.table import Feedback

STEPS = 30
ENDINGS = (".csv", ".jsonl")


@pytest.fixture(scope="module")
def transitions(tmp_path_factory: pytest.TempPathFactory) -> Transitions:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINARI_DATASETS_PATH", str(tmp_path_factory.mktemp("exchange")))
        return load_transitions(write("toy/exchange-v0", [episode(STEPS, s) for s in range(3)]))


segments = st.tuples(st.integers(0, 2), st.integers(0, 20), st.integers(1, STEPS - 20))
chances = st.floats(0, 1, width=32)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
printable = st.characters(exclude_categories=["C", "Z"])
people = st.sampled_from(["Ann de B.", "ben@example.com"]) | st.text(
    printable, min_size=1, max_size=20
)
times = st.floats(0, 1e12)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    first = draw(segments)
    second = draw(st.none() | segments.filter(lambda segment: segment != first))
    safety = st.sampled_from([None, 0.0, 1.0])
    preference = draw(st.sampled_from([None, 0.0, 0.5, 1.0])) if second else None
    safe_first, safe_second = draw(safety), draw(safety) if second else None
    moments = st.none() | st.integers(0, min(first[2], second[2] if second else 99) - 1)
    chance = st.none() | st.floats(0, 1)
    return Answer(
        annotator=composed(draw(people)),
        first=first,
        second=second,
        preference=preference,
        safe_first=safe_first,
        safe_second=safe_second,
        strength=draw(st.sampled_from([None, 1, 2, 3])) if preference in (0.0, 1.0) else None,
        unsafe_from_first=draw(moments) if safe_first == 0.0 else None,
        unsafe_from_second=draw(moments) if safe_second == 0.0 else None,
        tags=tuple(draw(st.lists(people, max_size=3, unique=True))),
        note=draw(people | st.sampled_from(["", "two\nlines", '"quoted", =1+1'])),
        role=draw(st.sampled_from(ROLES)),
        guess=draw(st.none() | st.builds(Guess, chance, chance, chance, st.booleans())),
        seconds=draw(st.none() | times),
        answered_at=draw(st.none() | st.floats(0, 1e9)),
        strategy=draw(names),
        strategy_parameters=draw(st.dictionaries(names, st.none() | times | names, max_size=3)),
    )


@settings(max_examples=40)
@given(st.lists(answers(), min_size=1, max_size=6), st.sampled_from(ENDINGS))
def test_answers_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory,
    transitions: Transitions,
    given_: list[Answer],
    ending: str,
) -> None:
    path = tmp_path_factory.getbasetemp() / f"answers{ending}"
    export_answers(path, given_)
    assert import_answers(path, transitions) == given_
    assert holds_answers(path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_a_file_does_not_say_of_an_answer_stays_unsaid(
    tmp_path: Path, transitions: Transitions, ending: str
) -> None:
    mine, again = tmp_path / "mine.csv", tmp_path / f"again{ending}"
    mine.write_text("annotator,first_episode,first_start,first_length,seconds\nann,0,0,10,\n")
    [found] = import_answers(mine, transitions)
    assert (found.seconds, found.answered_at) == (None, None)
    export_answers(again, [found])
    if ending == ".csv":
        [row] = csv.DictReader(again.read_text().splitlines())
        assert (row["seconds"], row["answered_at"]) == ("", "")
    else:
        assert not {"seconds", "answered_at"} & json.loads(again.read_text()).keys()
    assert import_answers(again, transitions) == [found]


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    rows = draw(st.lists(segments, min_size=2, max_size=8))  # the same segment twice is allowed
    numbers = st.integers(0, len(rows) - 1)
    pairs = draw(st.lists(st.tuples(numbers, numbers).filter(lambda p: p[0] != p[1]), max_size=8))
    return {
        "segments": rows,
        "p_safe": draw(st.lists(st.none() | chances, min_size=len(rows), max_size=len(rows))),
        "comparisons": pairs,
        "preferences": draw(st.lists(chances, min_size=len(pairs), max_size=len(pairs))),
    }


@settings(max_examples=40)
@given(tables(), st.sampled_from(ENDINGS))
def test_feedback_comes_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory,
    transitions: Transitions,
    table: dict[str, Any],
    ending: str,
) -> None:
    path = tmp_path_factory.getbasetemp() / f"feedback{ending}"
    feedback = Feedback.create(transitions, **table, provenance={"annotators": ["ann"]})
    export_feedback(path, feedback)
    assert_same(import_feedback(path, transitions, feedback.provenance), feedback)
    assert not holds_answers(path)


def test_the_header_says_which_way_a_preference_points(
    tmp_path: Path, transitions: Transitions
) -> None:
    """What somebody writes by hand, or with a data frame, whose gaps make integers of floats."""
    path = tmp_path / "mine.csv"
    path.write_text(
        "second_episode,second_start,second_length,first_episode,first_start,first_length,"
        "preference_for_first,p_safe_first,p_safe_second\n"
        "1.0,0.0,10.0,0,0,10,1,,0\n"
        "2.0,5.0,10.0,1,0,10,0.25,,\n"
        "\n"
        ",,,0,0,10,,1,\n",
        encoding="utf-8-sig",
    )
    found = import_feedback(path, transitions)
    np.testing.assert_array_equal(found.segments, [(0, 0, 10), (1, 0, 10), (2, 5, 10)])
    np.testing.assert_array_equal(found.comparisons, [(0, 1), (1, 2)])
    np.testing.assert_array_equal(found.preferences, [1.0, 0.25])
    np.testing.assert_array_equal(found.p_safe, [1.0, 0.0, np.nan])
    assert found.provenance == {"source": "imported", "file": "mine.csv"}


HEADER = "first_episode,first_start,first_length,second_episode,second_start,second_length"
LABELS = "preference_for_first,p_safe_first"
GOOD = "0,0,10,1,0,10,1,1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEADER},{LABELS}\n{GOOD}\n0,0,10,1,0,10,2,1\n", r"line 3, .*'preference_for_first'.*2"),
        (f"{HEADER},{LABELS}\n{GOOD}\n0,0,10,1,0,10,nan,1\n", r"line 3, .*'preference_for_first'"),
        (f"{HEADER},{LABELS}\n0,0,10,1,0,10,left,1\n", r"line 2, .*'preference_for_first'.*left"),
        (f"{HEADER},{LABELS}\n0,0,10,1,0,,1,1\n", r"line 2, .*'second_length'.*None"),
        (f"{HEADER},{LABELS}\n0,0.5,10,1,0,10,1,1\n", r"line 2, .*'first_start'.*0\.5"),
        (f"{HEADER},{LABELS}\n0,1_0,10,1,0,10,1,1\n", r"line 2, .*'first_start'.*1_0"),
        (f"{HEADER},{LABELS}\n0,0,0,1,0,10,1,1\n", r"line 2, .*'first_length'.*integer >= 1"),
        (f"{HEADER},{LABELS}\n9,0,10,1,0,10,1,1\n", r"line 2, .*'first_episode'.*9"),
        (f"{HEADER},{LABELS}\n0,0,10,1,25,10,1,1\n", r"line 2, .*'second_length'.*at most 5"),
        (
            f"{HEADER},{LABELS}\n0,0,10,0,0,10,1,1\n",
            r"line 2, .*'preference_for_first'.*two different seg",
        ),
        (f"{HEADER},{LABELS}\n{GOOD}\n0,0,10,2,0,10,1,0\n", r"line 3, .*'p_safe_first'.*1\.0"),
        (f"{HEADER},{LABELS}\n{GOOD},7\n", r"line 2: the line must have 8 cells.* got 9"),
        (f'{HEADER},{LABELS}\n{GOOD}\n0,0,"10,1,0', r"line 3: unexpected end"),
        (
            f"{HEADER},{LABELS},label\n{GOOD},1\n",
            r"line 1: .*among .*preference_for_first.*got 'label'",
        ),
        (f"{HEADER},{LABELS},p_safe_first\n{GOOD},1\n", r"line 1.*'p_safe_first'.*twice"),
        (
            "second_episode,preference_for_first\n1,1\n",
            r"line 1: the columns must include 'first_episode'",
        ),
        (f"{HEADER};{LABELS}\n{GOOD}\n".replace(",", ";"), r"line 1: .*separated by ','.*got ';'"),
        (f"{HEADER}\n0,5\n".replace(",", "\t"), r"line 1: .*separated by ','.*got '\\t'"),
        (f"{HEADER},{LABELS}\n", r"at least one row, got none"),
        (
            f"{HEADER},first_segment,second_segment\n0,0,10,1,0,10,0,2\n",
            r"all of 0 to 2, but 1 is missing",
        ),
        (
            f"{HEADER},first_segment,second_segment\n0,0,10,1,0,10,0,0\n",
            r"'second_segment'.*unique to one segment",
        ),
        (f"{HEADER},first_segment,second_segment\n0,0,10,1,0,10,0,\n", r"'second_segment'.*none"),
    ],
)
def test_csv_refusals_name_the_line_and_the_column(
    tmp_path: Path, transitions: Transitions, text: str, said: str
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(FeedbackError, match=rf"mine\.csv.*{said}"):
        import_feedback(path, transitions)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"annotator": "ann", "first_episode": 0', r"line 1: invalid JSON"),
        ('\n{"annotator": "ann", "annotator": "bob"}', r"line 2: invalid JSON: duplicate key"),
        (
            '\n{"annotator": "ann", "first_episode": 0, "first_start": 0, "winner": 1}',
            r"line 2: the columns must be among .*got 'winner'",
        ),
        (
            '\n{"annotator": "ann", "first_episode": 0, "first_start": 0}',
            r"line 2: the columns must include 'first_length'",
        ),
        ("[1, 2]", r"line 1: the line must be a JSON object"),
        ("[" * 100_000, r"line 1: invalid JSON"),
        (
            '{"annotator": 3, "first_episode": 0, "first_start": 0, "first_length": 5}',
            r"'annotator'",
        ),
        ('{"annotator": "a", "first_episode": true, "first_start": 0, "first_length": 5}', r"True"),
        (
            '{"annotator": "a", "first_episode": 0, "first_start": 0, "first_length": 5, '
            '"p_safe_first": 0.5}',
            r"line 1: `safe_first` must be .*got 0\.5",
        ),
        (
            '{"annotator": "a", "first_episode": 0, "first_start": 0, "first_length": 5, '
            '"strategy_parameters": "[1"}',
            r"'strategy_parameters'",
        ),
    ],
)
def test_json_refusals_name_the_line(
    tmp_path: Path, transitions: Transitions, text: str, said: str
) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(text)
    with pytest.raises(FeedbackError, match=rf"mine\.jsonl, {said}|mine\.jsonl.*{said}"):
        import_answers(path, transitions)


def test_other_files_are_refused(tmp_path: Path, transitions: Transitions) -> None:
    with pytest.raises(FeedbackError, match=r"\.csv or \.jsonl, got .*mine\.xlsx"):
        import_feedback(tmp_path / "mine.xlsx", transitions)
    latin = tmp_path / "latin.csv"
    latin.write_bytes("annotator,first_episode\nRené,0\n".encode("latin-1"))
    with pytest.raises(FeedbackError, match="UTF-8"):
        import_answers(latin, transitions)


def test_a_failed_export_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    good = Answer("ann", (0, 0, 5), (1, 0, 5), 1.0, None, None, 1.0, 2.0)
    export_answers(path, [good])
    before = path.read_bytes()
    odd = Answer("ann", (0, 0, 5), (1, 0, 5), 1.0, None, None, 1.0, 2.0, "x", {"bad": {1, 2}})
    with pytest.raises(TypeError):
        export_answers(path, [good, odd])
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    assert re.search(rb'"preference_for_first": 1\.0', before)
