"""Label Studio's full JSON: a task for each pair as it was shown, an annotation for each answer.

The short form (``JSON_MIN``) is refused: it leaves out cancelled annotations, and the field of a
question that was not answered.
"""

import datetime
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sb3_presa.annotation.answers.exchange_rows import Line, Row
from sb3_presa.annotation.answers.other_tools import (
    SEGMENTS,
    details_text,
    is_skipped,
    steps_text,
    to_row,
    to_words,
)

#: Question to the type of its control tag, the key of its value, and whether that is a list.
_CONTROLS = {
    "preference": ("choices", "choices", True),
    "safety_first": ("choices", "choices", True),
    "safety_second": ("choices", "choices", True),
    "strength": ("rating", "rating", False),
    "unsafe_from_first": ("number", "number", False),
    "unsafe_from_second": ("number", "number", False),
    "tags": ("choices", "choices", True),
    "note": ("textarea", "text", True),
    "details": ("textarea", "text", True),
}
#: Two clocks that differ by less say the same: the file has microseconds.
_SAME_SECONDS = 2e-6
#: Calendars end there; a later time is among the details only.
_LAST_SECOND = datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC).timestamp()


def to_tasks(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Tasks for ``Import`` in Label Studio.

    :param rows: answers by their columns.
    :return: a task for each pair as it was shown, in the order of the first answer to it.
    """
    tasks: dict[tuple[Any, ...], dict[str, Any]] = {}
    for number, row in enumerate(rows, start=1):
        pair = tuple(row.get(name) for name in SEGMENTS)
        new = {
            "id": len(tasks) + 1,
            "data": {
                **dict(zip(SEGMENTS, pair, strict=True)),
                **{which: steps_text(row, which) for which in ("first", "second")},
            },
            "annotations": [],
        }
        tasks.setdefault(pair, new)["annotations"].append(_annotation(number, row))
    return list(tasks.values())


def _annotation(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    said = {**to_words(row), "details": details_text(row)}
    result = [_region(f"{number}-{question}", question, said[question]) for question in said]
    found = {
        "id": number,
        "completed_by": {"email": row["annotator"]},
        "was_cancelled": is_skipped(row),
        "ground_truth": False,
        "result": result,
        "result_count": len(result),
        "lead_time": row.get("seconds"),
    }
    if row.get("answered_at") is not None and row["answered_at"] < _LAST_SECOND:
        at = datetime.datetime.fromtimestamp(row["answered_at"], datetime.UTC)
        found["created_at"] = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return found


def _region(name: str, question: str, answer: Any) -> dict[str, Any]:
    kind, key, is_list = _CONTROLS[question]
    values = answer if isinstance(answer, list) else [answer]
    return {
        "id": name,
        "from_name": question,
        "to_name": "second" if question.endswith("second") else "first",
        "type": kind,
        "value": {key: values if is_list else answer},
    }


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a record is of Label Studio.

    :param record: the first one of a file.
    """
    return "annotations" in record or {"annotation_id", "lead_time"} <= record.keys()


def to_rows(records: Iterable[tuple[Line, Mapping[str, Any]]]) -> Iterator[Row]:
    """Answers of tasks that Label Studio exported as JSON.

    :param records: the tasks.
    :return: answers by their columns; drafts and predictions are left out.
    :raises FeedbackError: if a task is of the short form, or not as expected.
    """
    for line, record in records:
        data, annotations = record.get("data"), record.get("annotations")
        if not isinstance(data, dict) or not isinstance(annotations, list):
            line.refuse_columns(
                "be those of Label Studio's full JSON (data, annotations), got "
                f"{', '.join(record)}; the short form JSON_MIN leaves out cancelled answers"
            )
        for annotation in annotations:
            yield line, _row(line, data, annotation)


def _row(line: Line, data: Mapping[str, Any], annotation: Any) -> dict[str, Any]:
    result = annotation.get("result") if isinstance(annotation, dict) else None
    if not isinstance(result, list):
        line.refuse("annotations", annotation, "a list of objects with a result")
    said = dict(_said(line, region) for region in result)
    row = to_row(line, data, said, bool(annotation.get("was_cancelled")))
    row.setdefault("annotator", _person(annotation.get("completed_by")))
    row["seconds"] = annotation.get("lead_time")
    created = annotation.get("created_at")
    if created is not None:
        at = _time(line, created)
        same = max(_SAME_SECONDS, 4.0 * math.ulp(at))
        if abs(at - (row.get("answered_at") or 0.0)) > same:
            row["answered_at"] = at
    return row


def _said(line: Line, region: Any) -> tuple[str, Any]:
    question = region.get("from_name") if isinstance(region, dict) else None
    if question not in _CONTROLS:
        line.refuse("from_name", question, f"one of {', '.join(_CONTROLS)}")
    _, key, is_list = _CONTROLS[question]
    values = region.get("value", {}).get(key)
    if is_list and not isinstance(values, list):
        line.refuse(question, values, "a list")
    if not is_list or question == "tags":
        return question, values
    if question in ("note", "details"):
        return question, "\n".join(map(str, values))
    if len(values) != 1:
        line.refuse(question, values, "one choice")
    return question, values[0]


def _person(completed_by: Any) -> Any:
    if isinstance(completed_by, dict):
        known = (completed_by.get(name) for name in ("email", "username", "id"))
        completed_by = next((one for one in known if one), None)
    return f"user {completed_by}" if isinstance(completed_by, int) else completed_by


def _time(line: Line, text: Any) -> float:
    try:
        at = datetime.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        line.refuse("created_at", text, "a time in ISO 8601")
    return (at if at.tzinfo else at.replace(tzinfo=datetime.UTC)).timestamp()
