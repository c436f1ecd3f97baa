"""Argilla's flattened records: a record for each pair as it was shown, a response for each answer.

``records.to_list(flatten=True)`` writes them. Argilla's own ``to_json`` writes a dictionary of
responses without their status: what was discarded looks like an answer there, and is refused here.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sb3_presa.annotation.answers.exchange_rows import Line, Row
from sb3_presa.annotation.answers.other_tools import (
    QUESTIONS,
    SEGMENTS,
    details_text,
    is_skipped,
    steps_text,
    to_row,
    to_words,
)

_ASKED = (*QUESTIONS, "details")
#: Argilla asks these as text.
_NUMBERS = ("unsafe_from_first", "unsafe_from_second")
_STATUSES = ("draft", "submitted", "discarded")


def user_id(annotator: str) -> str:
    """The id of a person, which Argilla's responses have in place of a name.

    :param annotator: the name.
    """
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sb3_presa/{annotator}"))


def to_records(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Flattened records.

    :param rows: answers by their columns.
    :return: a record for each pair as it was shown; a person's second answer to it has a further
        one, since Argilla keeps one response a person.
    """
    records: dict[tuple[Any, ...], dict[str, Any]] = {}
    given: dict[tuple[Any, ...], int] = defaultdict(int)
    for row in rows:
        pair = tuple(row.get(name) for name in SEGMENTS)
        time = given[*pair, row["annotator"]]
        given[*pair, row["annotator"]] += 1
        record = records.setdefault((*pair, time), _record(row, pair, time))
        said = {**to_words(row), "details": details_text(row)}
        for question, answer in said.items():
            record[f"{question}.responses"].append(str(answer) if question in _NUMBERS else answer)
            record[f"{question}.responses.users"].append(user_id(row["annotator"]))
            status = "discarded" if is_skipped(row) else "submitted"
            record[f"{question}.responses.status"].append(status)
    return list(records.values())


def _record(row: Mapping[str, Any], pair: tuple[Any, ...], time: int) -> dict[str, Any]:
    named = dict(zip(SEGMENTS, pair, strict=True))
    segments = {name: value for name, value in named.items() if value is not None}
    name = " ".join(str(value) for value in segments.values())
    return {
        "id": f"{name} ({time + 1})" if time else name,
        **{which: steps_text(row, which) for which in ("first", "second")},
        **segments,
        **{
            f"{question}.responses{part}": []
            for question in _ASKED
            for part in ("", ".users", ".status")
        },
    }


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a record is of Argilla.

    :param record: the first one of a file.
    """
    return "responses" in record or any(name.endswith(".responses.users") for name in record)


def to_rows(records: Iterable[tuple[Line, Mapping[str, Any]]]) -> Iterator[Row]:
    """Answers of flattened records.

    :param records: the records.
    :return: answers by their columns; drafts are left out.
    :raises FeedbackError: if a record has the dictionary of responses, or is not as expected.
    """
    for line, record in records:
        if isinstance(record.get("responses"), dict):
            line.refuse_columns(
                "be those of flattened records, got the dictionary 'responses', in which discarded "
                "answers look like others; write records.to_list(flatten=True)"
            )
        for user, said in _by_user(line, record).items():
            statuses = {status for _, status in said.values()}
            if statuses == {"draft"}:
                continue
            answers = {name: answer for name, (answer, _) in said.items() if answer is not None}
            for name in _NUMBERS:
                if isinstance(text := answers.get(name), str) and text.strip().isdecimal():
                    answers[name] = int(text)
            row = to_row(line, record, answers, "discarded" in statuses)
            row.setdefault("annotator", user)
            yield line, row


def _by_user(line: Line, record: Mapping[str, Any]) -> dict[str, dict[str, tuple[Any, str | None]]]:
    """User to question to answer and status."""
    found: dict[str, dict[str, tuple[Any, str | None]]] = {}
    for column in record:
        question, dot, rest = column.partition(".responses")
        if not dot or rest:
            continue
        answers, users, statuses = (
            record.get(f"{column}{part}") or [] for part in ("", ".users", ".status")
        )
        if not len(answers) == len(users) == len(statuses):
            line.refuse(column, answers, "as many as its users and its statuses")
        for answer, user, status in zip(answers, users, statuses, strict=True):
            if status not in (None, *_STATUSES):
                line.refuse(f"{column}.status", status, f"one of {', '.join(_STATUSES)}")
            found.setdefault(user, {})[question] = (answer, status)
    return found
