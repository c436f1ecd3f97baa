"""Answers as Label Studio's and Argilla's JSON, both ways.

``written/make_label_studio.py`` and ``make_argilla.py`` wrote the files with the real packages, and
had them read the files that :func:`ours` is.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_exchange import answers, transitions  # noqa: F401  # the fixture

from sb3_presa.annotation.answers.answer import Answer, Guess
from sb3_presa.annotation.answers.argilla import user_id
from sb3_presa.annotation.answers.exchange import FORMS, Form, export_answers, import_answers
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError, FeedbackError

WRITTEN = Path(__file__).parent / "written"


def ours() -> list[Answer]:
    """Answers with all that can be said, and some that say nothing."""
    pair = (0, 0, 10), (1, 5, 10)
    return [
        Answer(
            "ann@example.com",
            *pair,
            1.0,
            1.0,
            0.0,
            seconds=6.25,
            answered_at=1_795_861_800.1234567,
            strategy="disagreement",
            strategy_parameters={"pool_size": 2000},
            strength=2,
            unsafe_from_second=7,
            tags=("too close", "jerky"),
            note="two\nlines",
            guess=Guess(0.75, None, 0.5, shown=False),
        ),
        Answer("ben@example.com", *pair, None, None, None, seconds=2.0, answered_at=1_795_861_900),
        Answer("ann@example.com", *pair, 0.5, 1.0, None, seconds=1.0, answered_at=1_795_862_000.5),
        Answer("ben@example.com", (2, 3, 4), None, None, 0.0, None, None, None, role="known"),
    ]


def in_any_order(answers_: Iterable[Answer]) -> list[str]:
    return sorted(map(repr, answers_))


@settings(max_examples=40)
@given(st.lists(answers(), min_size=1, max_size=6), st.sampled_from(FORMS))
def test_answers_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory,
    transitions: Transitions,  # noqa: F811
    given_: list[Answer],
    form: Form,
) -> None:
    path = tmp_path_factory.getbasetemp() / f"{form}.json"
    export_answers(path, given_, form)
    found = import_answers(path, transitions)
    assert in_any_order(found) == in_any_order(given_)
    for asked in map(key, given_):  # who said what in which order
        assert [said for said in found if key(said) == asked] == [
            said for said in given_ if key(said) == asked
        ]


def key(answer: Answer) -> tuple[Any, ...]:
    return answer.annotator, answer.first, answer.second


@pytest.mark.parametrize("form", FORMS)
def test_files_are_those_that_the_packages_have_read(tmp_path: Path, form: Form) -> None:
    export_answers(tmp_path / "ours.json", ours(), form)
    name = form.replace("-", "_")
    assert (tmp_path / "ours.json").read_bytes() == (WRITTEN / f"{name}_ours.json").read_bytes()


def test_label_studio_reads_what_we_write() -> None:
    """Its own short form of our file: an answer that labels nothing is cancelled, and left out."""
    short = json.loads((WRITTEN / "label_studio_ours_min.json").read_text())
    assert [one["lead_time"] for one in short] == [1.0, 6.25, None]
    assert [one.get("preference") for one in short] == ["equal", "left", None]
    assert [one.get("safety_first") for one in short] == ["safe", "safe", "unsafe"]
    assert short[1]["unsafe_from_second"] == [{"number": 7}]


def test_answers_of_label_studio_come_in(transitions: Transitions) -> None:  # noqa: F811
    found = import_answers(WRITTEN / "label_studio.json", transitions)
    pair = (0, 0, 10), (1, 5, 10)
    assert [one.annotator for one in found] == ["user 7", "user 8", "cid@example.com", "user 7"]
    assert [(one.first, one.second) for one in found] == [pair, pair, pair, ((2, 3, 4), None)]
    assert [one.preference for one in found] == [1.0, None, None, None]
    assert [(one.safe_first, one.safe_second) for one in found] == [
        (1.0, 0.0),
        (None, None),  # cancelled
        (None, None),  # submitted without an answer
        (0.0, None),
    ]
    first = found[0]
    assert (first.strength, first.unsafe_from_second, first.tags) == (2, 7, ("too close", "jerky"))
    assert (first.note, first.seconds, first.answered_at) == ("near", 6.25, 1_795_861_800.125)


def test_answers_of_argilla_come_in(transitions: Transitions) -> None:  # noqa: F811
    found = import_answers(WRITTEN / "argilla.json", transitions)
    ann, ben, cid = (user_id(name) for name in ("ann", "ben", "cid"))
    assert [one.annotator for one in found] == [ann, ben, ben], "drafts are no answers"
    assert [one.preference for one in found] == [1.0, None, 0.5]
    assert [(one.safe_first, one.safe_second) for one in found] == [
        (1.0, 0.0),
        (None, None),  # discarded, although a choice was made
        (None, 1.0),
    ]
    assert (found[0].strength, found[0].unsafe_from_second) == (2, 7)
    assert (found[0].tags, found[0].note) == (("too close", "jerky"), "near")
    assert cid not in {one.annotator for one in found}


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("label_studio_min.json", "record 1: .*full JSON.*the short form JSON_MIN leaves out"),
        ("argilla_dict.json", r"record 1: .*'responses'.*records\.to_list\(flatten=True\)"),
    ],
)
def test_forms_that_lose_answers_are_refused(
    transitions: Transitions,  # noqa: F811
    file: str,
    said: str,
) -> None:
    with pytest.raises(FeedbackError, match=said):
        import_answers(WRITTEN / file, transitions)


def label_studio(**changes: Any) -> list[dict[str, Any]]:
    data = {"first_episode": 0, "first_start": 0, "first_length": 5}
    annotation = {"completed_by": 1, "result": [], "was_cancelled": False, **changes}
    return [{"data": data, "annotations": [annotation]}]


def choice(name: str, *values: str) -> dict[str, Any]:
    return {"from_name": name, "type": "choices", "value": {"choices": list(values)}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "at least one record"),
        ([3], "record 1: must be a JSON object"),
        ([{"text": "x"}], "Label Studio's JSON or of Argilla's flattened records, got text"),
        (label_studio(result=[choice("mood", "left")]), "'from_name': must be one of .*'mood'"),
        (label_studio(result=[choice("safety_first", "fine")]), "'safety_first': .*got 'fine'"),
        (label_studio(result=[choice("safety_first", "safe", "unsafe")]), "one choice, got"),
        (label_studio(created_at="yesterday"), "'created_at': must be a time in ISO 8601"),
        (label_studio(result=None), "'annotations': must be a list of objects with a result"),
        (label_studio(completed_by=None), "'annotator': must be a string"),
        ([{"data": {}, "annotations": [{"result": []}]}], "must include 'first_episode'"),
        ([{"x.responses": ["a"], "x.responses.users": []}], "as many as its users"),
    ],
)
def test_refusals_name_the_record(
    tmp_path: Path,
    transitions: Transitions,  # noqa: F811
    content: Any,
    said: str,
) -> None:
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(content))
    with pytest.raises(FeedbackError, match=f"theirs.json.*{said}"):
        import_answers(path, transitions)


def test_the_ending_goes_with_the_form(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\.json with it, got .*a\.csv and argilla"):
        export_answers(tmp_path / "a.csv", ours(), "argilla")
    with pytest.raises(ConfigError, match=r"\.json with it, got .*a\.json and None"):
        export_answers(tmp_path / "a.json", ours())
    with pytest.raises(ConfigError, match="label-studio, argilla or None, got 'doccano'"):
        export_answers(tmp_path / "a.json", ours(), "doccano")  # type: ignore[arg-type]
