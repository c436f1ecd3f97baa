"""Answers in the words of other labelling tools: what their formats have in common.

A tool shows a pair of segments and asks the questions :data:`QUESTIONS`. What it has no place for
is one more text, ``details``, as JSON: an answer comes back as it was.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sb3_presa.annotation.answers.exchange_rows import Line, unique_keys
from sb3_presa.errors import FeedbackError

SEGMENTS = tuple(
    f"{which}_{part}" for which in ("first", "second") for part in ("episode", "start", "length")
)
#: Question to the column of an answer's row.
QUESTIONS = {
    "preference": "preference_for_first",
    "safety_first": "p_safe_first",
    "safety_second": "p_safe_second",
    "strength": "strength",
    "unsafe_from_first": "unsafe_from_first",
    "unsafe_from_second": "unsafe_from_second",
    "tags": "tags",
    "note": "note",
}
_PREFERENCES = {"left": 1.0, "equal": 0.5, "right": 0.0, "skip": None}
_SAFETY = {"safe": 1.0, "unsafe": 0.0, "unknown": None}
WORDS = {"preference": _PREFERENCES, "safety_first": _SAFETY, "safety_second": _SAFETY}
_DETAILS = (
    "annotator",
    "seconds",
    "answered_at",
    "strategy",
    "strategy_parameters",
    "role",
    "guess",
)


def read_records(path: Path) -> Iterator[tuple[Line, Mapping[str, Any]]]:
    """The objects of a JSON list, or of a file with one in each line.

    :param path: the file.
    :return: each object, with its place for messages.
    :raises FeedbackError: if it is not such a file.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        try:
            found = json.loads(text, object_pairs_hook=unique_keys)
        except json.JSONDecodeError:
            lines = [line for line in text.splitlines() if line.strip()]
            found = [json.loads(line, object_pairs_hook=unique_keys) for line in lines]
    except (ValueError, RecursionError) as error:
        raise FeedbackError(f"{path} must be a JSON list of objects: {error}") from error
    records = found if isinstance(found, list) else [found]
    if not records:
        raise FeedbackError(f"{path} must have at least one record, got none")
    for number, record in enumerate(records, start=1):
        line = Line(path, number, unit="record")
        if not isinstance(record, dict):
            raise FeedbackError(f"{line.place}: must be a JSON object, got {str(record)[:40]!r}")
        yield line, record


def to_words(row: Mapping[str, Any]) -> dict[str, Any]:
    """The answers to the questions.

    :param row: an answer by its columns.
    :return: question to answer; questions without an answer are left out.
    """
    words: dict[str, Any] = {}
    for question, column in QUESTIONS.items():
        value = row.get(column)
        if value is None:
            continue
        if question in WORDS:
            value = next(word for word, number in WORDS[question].items() if number == value)
        words[question] = value
    return words


def is_skipped(row: Mapping[str, Any]) -> bool:
    """Whether an answer labels nothing.

    :param row: an answer by its columns.
    """
    return all(row.get(QUESTIONS[question]) is None for question in WORDS)


def details_text(row: Mapping[str, Any]) -> str:
    """The parts of an answer without a question, as JSON.

    :param row: an answer by its columns.
    """
    found = {name: row[name] for name in _DETAILS if row.get(name) is not None}
    return json.dumps(found, ensure_ascii=False, allow_nan=False)


def to_row(
    line: Line, segments: Mapping[str, Any], said: Mapping[str, Any], skipped: bool
) -> dict[str, Any]:
    """An answer by its columns.

    :param line: the record, for messages.
    :param segments: the columns of the segments, among others.
    :param said: question to answer, ``details`` among them.
    :param skipped: whether the tool says that the person did not answer: labels do not count.
    :return: the row; ``annotator`` only where the details name one.
    :raises FeedbackError: if a question or an answer is not known.
    """
    row = {name: segments.get(name) for name in SEGMENTS}
    for name in SEGMENTS[:3]:
        if name not in segments:
            line.refuse_columns(f"include '{name}', got {', '.join(segments)}")
    for question, answer in said.items():
        if question == "details":
            row |= _details(line, answer)
        elif question not in QUESTIONS:
            line.refuse_columns(f"be among {', '.join((*QUESTIONS, 'details'))}, got '{question}'")
        elif question not in WORDS:
            row[QUESTIONS[question]] = answer
        elif not isinstance(answer, str) or answer not in WORDS[question]:
            line.refuse(question, answer, f"one of {', '.join(WORDS[question])}")
        elif not skipped:
            row[QUESTIONS[question]] = WORDS[question][answer]
    if skipped:
        for name in ("strength", "unsafe_from_first", "unsafe_from_second"):
            row.pop(name, None)
    return row


def _details(line: Line, text: Any) -> dict[str, Any]:
    constraint = f"a JSON object with names among {', '.join(_DETAILS)}"
    found: dict[str, Any] = line.json({"details": text}, "details", dict, constraint) or {}
    if not found.keys() <= set(_DETAILS):
        line.refuse("details", text, constraint)
    return found


def steps_text(segment: Mapping[str, Any], which: str) -> str:
    """A segment in words, for tasks without pictures.

    :param segment: an answer by its columns.
    :param which: ``"first"`` or ``"second"``.
    """
    episode, start, length = (segment.get(f"{which}_{part}") for part in _PARTS)
    if episode is None or start is None or length is None:
        return "no second clip"
    return f"episode {episode}, steps {start} to {start + length - 1}"


_PARTS = ("episode", "start", "length")
