"""Rows of the store's tables from answers, and answers from its rows."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sb3_presa.annotation.answers.answer import Answer, Guess, Segment
from sb3_presa.errors import FeedbackError


def segment_text(segment: Segment) -> str:
    """A segment in the format of the file."""
    return "{}:{}:{}".format(*segment)


def parse_segment(text: str) -> Segment:
    """A segment from the file."""
    episode, start, length = text.split(":")
    return int(episode), int(start), int(length)


def parameters_text(parameters: Mapping[str, Any]) -> str:
    """A strategy's settings as JSON.

    :raises FeedbackError: if a setting is not a JSON value.
    """
    try:
        return json.dumps(dict(parameters), allow_nan=False, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise FeedbackError(
            f"`strategy_parameters` must contain only JSON values: {error}"
        ) from error


def guess_text(guess: Guess | None) -> str | None:
    """A guess in the format of the file."""
    return None if guess is None else json.dumps(asdict(guess))


def parse_guess(text: str | None) -> Guess | None:
    """A guess from the file."""
    return None if text is None else Guess(**json.loads(text))


def insert(database: sqlite3.Connection, table: str, columns: Mapping[str, Any]) -> int:
    """Write a row.

    :return: its number.
    """
    number = _insert(database, "INSERT", table, columns).lastrowid
    assert number is not None
    return number


def insert_new(database: sqlite3.Connection, table: str, columns: Mapping[str, Any]) -> bool:
    """Write a row, unless the table has it.

    :return: whether it was written.
    """
    return _insert(database, "INSERT OR IGNORE", table, columns).rowcount == 1


def _insert(
    database: sqlite3.Connection, how: str, table: str, columns: Mapping[str, Any]
) -> sqlite3.Cursor:
    marks = ", ".join("?" for _ in columns)
    return database.execute(
        f"{how} INTO {table} ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values())
    )


def answer_columns(answer: Answer, pair: int) -> dict[str, Any]:
    """An answer as columns of its table."""
    return {
        "annotator": answer.annotator,
        "pair": pair,
        "mirrored": int(answer.canonical() is not answer),
        "preference": answer.preference,
        "safe_first": answer.safe_first,
        "safe_second": answer.safe_second,
        "seconds": answer.seconds,
        "answered_at": answer.answered_at,
        "strategy": answer.strategy,
        "parameters": parameters_text(answer.strategy_parameters),
        "strength": answer.strength,
        "unsafe_from_first": answer.unsafe_from_first,
        "unsafe_from_second": answer.unsafe_from_second,
        "tags": json.dumps(answer.tags),
        "note": answer.note,
        "role": answer.role,
        "guess": guess_text(answer.guess),
    }


def shown_segments(row: sqlite3.Row) -> tuple[Segment, Segment | None]:
    """The left and the right segment of a pair's row, which may be mirrored."""
    first, second = parse_segment(row["first"]), row["second"] and parse_segment(row["second"])
    return (second, first) if row["mirrored"] else (first, second)


def to_answer(row: sqlite3.Row) -> Answer:
    """An answer from its row, joined with that of its pair."""
    first, second = shown_segments(row)
    return Answer(
        annotator=row["annotator"],
        first=first,
        second=second,
        preference=row["preference"],
        safe_first=row["safe_first"],
        safe_second=row["safe_second"],
        seconds=row["seconds"],
        answered_at=row["answered_at"],
        strategy=row["strategy"],
        strategy_parameters=json.loads(row["parameters"]),
        strength=row["strength"],
        unsafe_from_first=row["unsafe_from_first"],
        unsafe_from_second=row["unsafe_from_second"],
        tags=tuple(json.loads(row["tags"])),
        note=row["note"],
        role=row["role"],
        guess=parse_guess(row["guess"]),
    )
