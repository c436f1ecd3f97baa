"""Answers and feedback as CSV and JSON Lines: one row per comparison, or per single segment.

Columns (keys of the objects in JSON Lines), of which the first three are required::

    first_episode, first_start, first_length       the first segment
    second_episode, second_start, second_length    the second; empty for a single segment
    preference_for_first                           1 the first, 0 the second, 0.5 a tie; or between
    p_safe_first, p_safe_second                    1 safe, 0 unsafe; or between; empty: unknown
    annotator, seconds, answered_at, strategy, strategy_parameters    of answers, see Answer
    strength, unsafe_from_first, unsafe_from_second, tags, note, role, guess    the same
    first_segment, second_segment                  of feedback: the rows of its segments

A file with the column ``annotator`` has answers; other files have feedback. Numbers survive a round
trip bit for bit. Unknown columns are an error, so that a misspelt one is not ignored silently.

Answers are also exchanged with other tools: ``.json`` of Label Studio and of Argilla.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from sb3_presa.annotation.answers import argilla, label_studio
from sb3_presa.annotation.answers.answer import ROLES, Answer, Guess, Segment, known_answer
from sb3_presa.annotation.answers.exchange_rows import (
    Line,
    Row,
    raw_rows,
    read_rows,
    write_rows,
)
from sb3_presa.annotation.answers.other_tools import SEGMENTS, read_records
from sb3_presa.annotation.answers.people import composed
from sb3_presa.data.datasets import DatasetLike
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError, FeedbackError
from sb3_presa.feedback.table import Feedback
from sb3_presa.files import write_text

#: Tools with which answers are exchanged as JSON.
Form: TypeAlias = Literal["label-studio", "argilla"]
FORMS: tuple[Form, ...] = get_args(Form)

_LABELS = ["preference_for_first", "p_safe_first", "p_safe_second"]
ANSWER_COLUMNS = (
    "annotator",
    *SEGMENTS,
    *_LABELS,
    "seconds",
    "answered_at",
    "strategy",
    "strategy_parameters",
    "strength",
    "unsafe_from_first",
    "unsafe_from_second",
    "tags",
    "note",
    "role",
    "guess",
)
FEEDBACK_COLUMNS = (*SEGMENTS, *_LABELS, "first_segment", "second_segment")
_REQUIRED = SEGMENTS[:3]


def export_answers(path: Path, answers: Iterable[Answer], form: Form | None = None) -> None:
    """Write answers atomically.

    :param path: ending in ``.csv`` or ``.jsonl``, or in ``.json`` for another tool; an existing
        file is replaced.
    :param answers: written in this order.
    :param form: the tool that shall read the file; None for CSV and JSON Lines.
    :raises ConfigError: if the form is unknown, or the ending is not that of the form.
    :raises FeedbackError: if the file has another ending.
    """
    if form not in (None, *FORMS):
        raise ConfigError(f"`form` must be one of {', '.join(FORMS)} or None, got {form!r}")
    if (form is None) == _is_foreign(path):
        endings = ".csv or .jsonl without `form`, and in .json with it"
        raise ConfigError(f"the file must end in {endings}, got {path} and {form}")
    rows = (answer_row(answer) for answer in answers)
    if form is None:
        write_rows(path, ANSWER_COLUMNS, rows)
        return
    records = label_studio.to_tasks(rows) if form == "label-studio" else argilla.to_records(rows)
    write_text(path, json.dumps(records, ensure_ascii=False, allow_nan=False, indent=1) + "\n")


def import_answers(path: Path, dataset: DatasetLike | Transitions) -> list[Answer]:
    """Read answers on a dataset's episodes, all of them or none.

    :param path: ending in ``.csv`` or ``.jsonl``; ``.json`` of Label Studio or Argilla.
    :param dataset: a Minari id, a path, an open dataset, or its transitions.
    :return: the answers, in the order of the file.
    :raises FeedbackError: if a value is invalid; the message names file, line and column.
    """
    transitions = dataset if isinstance(dataset, Transitions) else load_transitions(dataset)
    steps = _episode_steps(transitions)
    rows = _foreign_rows(path) if _is_foreign(path) else read_rows(path, ANSWER_COLUMNS, _REQUIRED)
    return [_to_answer(line, row, steps) for line, row in rows]


def export_questions(path: Path, questions: Iterable[Sequence[Segment]]) -> None:
    """Write questions, for :func:`import_questions`.

    :param path: ending in ``.csv`` or ``.jsonl``; an existing file is replaced.
    :param questions: one or two segments each.
    :raises FeedbackError: if the file has another ending.
    """
    rows = (
        dict(zip(SEGMENTS, [number for segment in one for number in segment], strict=False))
        for one in questions
    )
    write_rows(path, SEGMENTS, rows)


def import_questions(path: Path, transitions: Transitions) -> list[Answer]:
    """Read questions to people, with what the owner knows of their answers.

    :param path: ending in ``.csv`` or ``.jsonl``, with the segments and labels of feedback.
    :param transitions: the dataset's steps.
    :return: the questions in the order of the file, as answers of the owner.
    :raises FeedbackError: if a value is invalid, or a question is there twice; the message names
        file, line and column.
    """
    steps, found = _episode_steps(transitions), dict[Any, Answer]()
    for line, row in read_rows(path, (*SEGMENTS, *_LABELS), _REQUIRED):
        first, second = _required_segment(line, row, steps), _segment(line, row, "second", steps)
        preference, safe_first, safe_second = (line.chance(row, name) for name in _LABELS)
        try:
            answer = known_answer(first, second, (preference, safe_first, safe_second))
        except FeedbackError as error:
            raise FeedbackError(f"{line.place}: {error}") from error
        if answer.question in found:
            line.refuse("first_episode", first[0], "of a question that is not in the file before")
        found[answer.question] = answer
    return list(found.values())


def _is_foreign(path: Path) -> bool:
    return path.suffix.lower() == ".json"


def _foreign_rows(path: Path) -> Iterator[Row]:
    """Answers of whichever tool wrote the file."""
    records = list(read_records(path))
    line, first = records[0]
    if label_studio.looks_like(first):
        return label_studio.to_rows(records)
    if argilla.looks_like(first):
        return argilla.to_rows(records)
    line.refuse_columns(
        f"be those of Label Studio's JSON or of Argilla's flattened records, got {', '.join(first)}"
    )


def export_feedback(path: Path, feedback: Feedback) -> None:
    """Write feedback atomically: its comparisons, then its other segments.

    The provenance of the labels and the hashes of the episodes are not written. Keep the feedback
    file for them.

    :param path: ending in ``.csv`` or ``.jsonl``; an existing file is replaced.
    :param feedback: the labels.
    :raises FeedbackError: if the file has another ending.
    """
    write_rows(path, FEEDBACK_COLUMNS, feedback_rows(feedback))


def import_feedback(
    path: Path, dataset: DatasetLike | Transitions, provenance: Mapping[str, Any] | None = None
) -> Feedback:
    """Read feedback on a dataset's episodes, all of it or nothing.

    If the file does not number the segments (``first_segment``, ``second_segment``), rows with the
    same episode, start and length are the same segment, and its safety label must be the same in
    all rows.

    :param path: ending in ``.csv`` or ``.jsonl``.
    :param dataset: a Minari id, a path, an open dataset, or its transitions.
    :param provenance: the origin of the labels; None: the name of the file.
    :return: the checked feedback.
    :raises FeedbackError: if a value is invalid; the message names file, line and column.
    """
    transitions = dataset if isinstance(dataset, Transitions) else load_transitions(dataset)
    steps, table = _episode_steps(transitions), _SegmentTable()
    comparisons: list[tuple[int, int]] = []
    preferences: list[float] = []
    for line, row in read_rows(path, FEEDBACK_COLUMNS, _REQUIRED):
        second, preference = _segment(line, row, "second", steps), line.chance(row, _LABELS[0])
        rows = [table.add(line, row, "first", _required_segment(line, row, steps))]
        if second is not None:
            rows.append(table.add(line, row, "second", second))
        if preference is not None:
            if len(set(rows)) != 2:
                line.refuse(_LABELS[0], preference, "empty without two different segments")
            comparisons.append((rows[0], rows[1]))
            preferences.append(preference)
    if provenance is None:
        provenance = {"source": "imported", "file": path.name}
    segments, p_safe = table.finish(path)
    return Feedback.create(transitions, segments, p_safe, comparisons, preferences, provenance)


def holds_answers(path: Path) -> bool:
    """Whether a file has people's answers rather than feedback.

    :param path: ending in ``.csv`` or ``.jsonl``; ``.json`` of other tools has answers.
    :raises FeedbackError: if it cannot be read.
    """
    if _is_foreign(path):
        return True
    _, first = next(raw_rows(path), (None, {}))
    return "annotator" in first


class _SegmentTable:
    """The segments of an imported file, and their row numbers."""

    def __init__(self) -> None:
        self._found: dict[Any, tuple[int, Segment, float | None]] = {}
        self._numbered: bool | None = None

    def add(self, line: Line, row: Mapping[str, Any], which: str, segment: Segment) -> int:
        """Add a segment; return its row number."""
        label, column = line.chance(row, f"p_safe_{which}"), f"{which}_segment"
        number = line.whole(row, column, 0)
        if self._numbered not in (None, number is not None):
            line.refuse(column, number, "given in every row of the file, or in none")
        self._numbered = number is not None
        key = segment if number is None else number
        known = self._found.setdefault(
            key, (len(self._found) if number is None else number, segment, label)
        )
        if known[1] != segment:
            constraint = f"unique to one segment ({number} is {known[1]} in an earlier line)"
            line.refuse(column, number, constraint)
        if known[2] != label and not (number is None and None in (known[2], label)):
            constraint = f"{known[2]}, as in an earlier line for {segment}"
            line.refuse(f"p_safe_{which}", label, constraint)
        if known[2] is None:
            self._found[key] = (known[0], segment, label)
        return known[0]

    def finish(self, path: Path) -> tuple[list[Segment], list[float | None]]:
        """The segments in their order, and their safety labels."""
        rows = sorted(self._found.values(), key=lambda row: row[0])
        for expected, (number, _, _) in enumerate(rows):
            if number != expected:
                raise FeedbackError(
                    f"{path}: columns 'first_segment' and 'second_segment' must contain all of 0 "
                    f"to {rows[-1][0]}, but {expected} is missing"
                )
        return [segment for _, segment, _ in rows], [label for _, _, label in rows]


def _episode_steps(transitions: Transitions) -> dict[int, int]:
    """The number of steps of each episode."""
    lengths = (transitions.episode_ids.tolist(), transitions.episode_lengths.tolist())
    return dict(zip(*lengths, strict=True))


def answer_row(answer: Answer) -> dict[str, Any]:
    """The row of an answer.

    :param answer: the answer.
    :return: values by the names in :data:`ANSWER_COLUMNS`.
    """
    second = (None, None, None) if answer.second is None else answer.second
    return {
        "annotator": answer.annotator,
        **dict(zip(SEGMENTS, (*answer.first, *second), strict=True)),
        "preference_for_first": answer.preference,
        "p_safe_first": answer.safe_first,
        "p_safe_second": answer.safe_second,
        "seconds": answer.seconds,
        "answered_at": answer.answered_at,
        "strategy": answer.strategy,
        "strategy_parameters": dict(answer.strategy_parameters),
        "strength": answer.strength,
        "unsafe_from_first": answer.unsafe_from_first,
        "unsafe_from_second": answer.unsafe_from_second,
        "tags": list(answer.tags) or None,
        "note": answer.note or None,
        "role": answer.role,
        "guess": None if answer.guess is None else asdict(answer.guess),
    }


def _to_answer(line: Line, row: Mapping[str, Any], steps: Mapping[int, int]) -> Answer:
    annotator = row.get("annotator")
    if not isinstance(annotator, str):
        line.refuse("annotator", annotator, "a string")
    tags = line.json(row, "tags", list, "a JSON list of strings") or []
    if not all(isinstance(tag, str) for tag in tags):
        line.refuse("tags", row["tags"], "a JSON list of strings")
    role = line.text(row, "role", "asked")
    if role not in ROLES:
        line.refuse("role", role, f"one of {', '.join(ROLES)}")
    try:
        return Answer(
            annotator=composed(annotator),
            first=_required_segment(line, row, steps),
            second=_segment(line, row, "second", steps),
            preference=line.chance(row, "preference_for_first"),
            safe_first=line.chance(row, "p_safe_first"),
            safe_second=line.chance(row, "p_safe_second"),
            seconds=line.number_of(row, "seconds"),
            answered_at=line.unix_time(row, "answered_at"),
            strategy=line.text(row, "strategy", "imported"),
            strategy_parameters=line.json(row, "strategy_parameters", dict, "a JSON object") or {},
            strength=line.whole(row, "strength", 1),
            unsafe_from_first=line.whole(row, "unsafe_from_first", 0),
            unsafe_from_second=line.whole(row, "unsafe_from_second", 0),
            tags=tuple(tags),
            note=line.text(row, "note", ""),
            role=role,
            guess=_guess(line, row),
        )
    except FeedbackError as error:
        if str(error).startswith(str(line.path)):
            raise
        raise FeedbackError(f"{line.place}: {error}") from error


def _guess(line: Line, row: Mapping[str, Any]) -> Guess | None:
    constraint = "a JSON object with preference, safe_first, safe_second and shown"
    found = line.json(row, "guess", dict, constraint)
    if found is None:
        return None
    shown = {**found}.pop("shown", True)
    numbers = {name: value for name, value in found.items() if name != "shown"}
    known = numbers.keys() <= {"preference", "safe_first", "safe_second"}
    if not known or not isinstance(shown, bool):
        line.refuse("guess", row["guess"], constraint)
    if any(type(value) not in (int, float, type(None)) for value in numbers.values()):
        line.refuse("guess", row["guess"], constraint)
    return Guess(**numbers, shown=shown)


def feedback_rows(feedback: Feedback) -> Iterator[dict[str, Any]]:
    """Rows of feedback: its comparisons, then its other segments.

    :param feedback: the labels.
    :return: values by the names in :data:`FEEDBACK_COLUMNS`.
    """
    segments = feedback.segments.tolist()
    labels = [None if np.isnan(value) else _shortest(value) for value in feedback.p_safe]
    alone = set(range(len(segments))) - set(feedback.comparisons.ravel().tolist())
    for (a, b), preference in zip(feedback.comparisons.tolist(), feedback.preferences, strict=True):
        yield {
            **dict(zip(SEGMENTS, (*segments[a], *segments[b]), strict=True)),
            "preference_for_first": _shortest(preference),
            "p_safe_first": labels[a],
            "p_safe_second": labels[b],
            "first_segment": a,
            "second_segment": b,
        }
    for row in sorted(alone):
        yield {
            **dict(zip(SEGMENTS, segments[row], strict=False)),
            "p_safe_first": labels[row],
            "first_segment": row,
        }


def _shortest(value: np.float32) -> float:
    """The number with the fewest digits that converts to the same float32."""
    shortest = float(str(value))
    return shortest if np.float32(shortest) == value else float(value)


def _required_segment(line: Line, row: Mapping[str, Any], steps: Mapping[int, int]) -> Segment:
    segment = _segment(line, row, "first", steps)
    if segment is None:
        line.refuse("first_episode", None, "an integer >= 0")
    return segment


def _segment(
    line: Line, row: Mapping[str, Any], which: str, steps: Mapping[int, int]
) -> Segment | None:
    columns = [f"{which}_{part}" for part in ("episode", "start", "length")]
    numbers = [
        line.whole(row, column, least) for column, least in zip(columns, (0, 0, 1), strict=True)
    ]
    missing = [column for column, number in zip(columns, numbers, strict=True) if number is None]
    if missing and len(missing) < 3:
        line.refuse(missing[0], None, "given together with episode, start and length")
    episode, start, length = numbers
    if episode is None or start is None or length is None:
        return None
    _check_end(line, which, (episode, start, length), steps)
    return episode, start, length


def _check_end(line: Line, which: str, segment: Segment, steps: Mapping[int, int]) -> None:
    episode, start, length = segment
    if episode not in steps:
        line.refuse(f"{which}_episode", episode, "an episode of the dataset")
    total = steps[episode]
    if start >= total:
        constraint = f"less than {total}, the length of episode {episode}"
        line.refuse(f"{which}_start", start, constraint)
    if start + length > total:
        constraint = f"at most {total - start} (episode {episode} has {total} steps)"
        line.refuse(f"{which}_length", length, constraint)
