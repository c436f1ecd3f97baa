"""Who is asked what, in which order, and what came back: the store as the page uses it.

Everybody has a queue of their own. A set share of each queue is drawn from pairs that all are
asked (the others are asked of one person), so that agreement can be measured.
"""

import hashlib
import json
import secrets
import sqlite3
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sb3_presa.annotation.answers.answer import Answer, Segment
from sb3_presa.annotation.answers.store import (
    AnswerStore,
    answer_columns,
    insert,
    parse_segment,
    segment_text,
    shown_segments,
)

Outcome: TypeAlias = Literal["recorded", "repeated", "answered", "unknown"]

#: Answers that a person's pace is the median of.
_PACE_WINDOW = 20

_PLACES = """
SELECT queue.token, queue.mirrored, queue.pair, pairs.first, pairs.second, pairs.strategy,
    pairs.parameters
FROM queue JOIN pairs ON pairs.id = queue.pair
"""
_NOT_REFUSED = """
NOT EXISTS (SELECT 1 FROM refused WHERE segment = pairs.first OR segment = pairs.second)
"""
_UNANSWERED = """
NOT EXISTS (SELECT 1 FROM answers WHERE answers.place = queue.id AND undone_at IS NULL)
"""


@dataclass(frozen=True)
class Place:
    """A place in somebody's queue.

    :param token: its name on the page; 32 hexadecimal digits.
    :param left: the segment that is shown on the left.
    :param right: the segment on the right; None where one is shown alone.
    :param strategy: what chose the pair.
    :param strategy_parameters: its settings.
    """

    token: str
    left: Segment
    right: Segment | None
    strategy: str
    strategy_parameters: Mapping[str, Any]

    @property
    def segments(self) -> list[Segment]:
        """The one or two segments that are shown."""
        return [self.left] if self.right is None else [self.left, self.right]


@dataclass(frozen=True)
class Progress:
    """How far somebody is.

    :param answered: places answered, skipped ones included.
    :param seconds: the median time of the last answers, None before the first.
    :param last: the token of the last answer that stands, by which it can be taken back.
    """

    answered: int
    seconds: float | None
    last: str | None


@dataclass(frozen=True)
class Choices:
    """What a person chose on the page; stored as an ``Answer``."""

    preference: float | None
    safe_left: float | None
    safe_right: float | None


class Queues:
    """Queues of people over a store; safe to share between threads.

    :param store: where the answers are kept.
    """

    def __init__(self, store: AnswerStore) -> None:
        self.store = store

    def waiting(self, annotator: str) -> list[Place]:
        """What somebody is yet to answer, what is next first.

        :param annotator: whose queue.
        :return: the places without an answer whose clips can be shown.
        """
        with self.store.reading() as database:
            rows = database.execute(
                f"{_PLACES} WHERE annotator = ? AND {_UNANSWERED} AND {_NOT_REFUSED} "
                "ORDER BY queue.id",
                (annotator,),
            )
            return [_to_place(row) for row in rows]

    def pending(self) -> list[Place]:
        """What anybody is yet to answer."""
        with self.store.reading() as database:
            return [_to_place(row) for row in database.execute(f"{_PLACES} WHERE {_UNANSWERED}")]

    def next_is_shared(self, annotator: str, share: float) -> bool:
        """Whether the next place of a queue should hold a pair that all are asked.

        :param annotator: whose queue.
        :param share: the share of such pairs in [0, 1].
        """
        with self.store.reading() as database:
            places, shared = database.execute(
                "SELECT count(*), coalesce(sum(shared), 0) FROM queue "
                f"JOIN pairs ON pairs.id = queue.pair WHERE annotator = ? AND {_NOT_REFUSED}",
                (annotator,),
            ).fetchone()
        return bool(shared < int((places + 1) * share + 1e-9))

    def join_shared(self, annotator: str) -> bool:
        """Append to a queue the oldest pair for all that it does not hold yet.

        It is turned round for half of the people, so that a liking for one side does not look
        like agreement.

        :param annotator: whose queue.
        :return: whether there was one.
        """
        with self.store.transaction() as database:
            row = database.execute(
                f"SELECT id, name FROM pairs WHERE shared AND {_NOT_REFUSED} AND id NOT IN "
                "(SELECT pair FROM queue WHERE annotator = ?) ORDER BY id LIMIT 1",
                (annotator,),
            ).fetchone()
            if row is None:
                return False
            digest = hashlib.sha256(f"{annotator}|{row['name']}".encode()).digest()
            return _append(database, annotator, int(row["id"]), mirrored=bool(digest[0] & 1))

    def append(
        self,
        annotator: str,
        left: Segment,
        right: Segment | None,
        strategy: str,
        parameters: Mapping[str, Any],
        *,
        shared: bool = False,
    ) -> bool:
        """Append a pair to a queue; one that it holds already is left where it is.

        :param annotator: whose queue.
        :param left: the segment to show on the left.
        :param right: the one on the right, None to show one alone.
        :param strategy: what chose the pair.
        :param parameters: its settings.
        :param shared: whether all are to be asked.
        :return: whether it is new to the queue.
        """
        asked = Answer(annotator, left, right, None, None, None, None, None, strategy, parameters)
        with self.store.transaction() as database:
            pair = self.store.pair_id(asked)
            if shared:
                database.execute("UPDATE pairs SET shared = 1 WHERE id = ?", (pair,))
            return _append(database, annotator, pair, mirrored=asked.canonical() is not asked)

    def place(self, annotator: str, token: str) -> Place | None:
        """A place of somebody's queue, answered or not.

        :param annotator: whose queue.
        :param token: the place's name on the page.
        """
        with self.store.reading() as database:
            row = database.execute(
                f"{_PLACES} WHERE queue.token = ? AND annotator = ?", (token, annotator)
            ).fetchone()
        return None if row is None else _to_place(row)

    def record(
        self, annotator: str, place: str, token: str, choices: Choices, seconds: float
    ) -> Outcome:
        """Write an answer; when this returns, it is on the disk.

        :param annotator: who answers.
        :param place: the token of the place.
        :param token: drawn by the page for this showing of the pair; 32 hexadecimal digits. Sent
            again, it is the same answer.
        :param choices: what was chosen.
        :param seconds: from the moment that the clips were shown.
        :return: ``"recorded"``; ``"repeated"`` if this very answer was there; ``"answered"`` if
            the place has another answer, or this one was taken back: nothing is changed;
            ``"unknown"`` if the queue has no such place.
        """
        with self.store.transaction() as database:
            found = self.place(annotator, place)
            if found is None:
                return "unknown"
            number = database.execute("SELECT id FROM queue WHERE token = ?", (place,)).fetchone()
            earlier = database.execute(
                "SELECT place, undone_at FROM answers WHERE token = ?", (token,)
            ).fetchone()
            if earlier is not None:
                same = earlier["place"] == number[0] and earlier["undone_at"] is None
                return "repeated" if same else "answered"
            if database.execute(
                "SELECT 1 FROM answers WHERE place = ? AND undone_at IS NULL", tuple(number)
            ).fetchone():
                return "answered"
            answer = Answer(
                annotator=annotator,
                first=found.left,
                second=found.right,
                preference=choices.preference,
                safe_first=choices.safe_left,
                safe_second=choices.safe_right,
                seconds=seconds,
                answered_at=time.time(),
                strategy=found.strategy,
                strategy_parameters=found.strategy_parameters,
            )
            columns = answer_columns(answer, self.store.pair_id(answer))
            insert(database, "answers", {**columns, "token": token, "place": number[0]})
            return "recorded"

    def undo(self, annotator: str, token: str) -> bool:
        """Take back somebody's last answer; its place is then the next that is shown.

        :param annotator: whose answer.
        :param token: the answer's token. Any other than the last one's changes nothing, so that a
            second tab, or a click that is sent twice, takes back no more than was seen.
        :return: whether it was the last, or had been taken back already.
        """
        with self.store.transaction() as database:
            row = database.execute(
                "SELECT id, undone_at FROM answers WHERE token = ? AND annotator = ?",
                (token, annotator),
            ).fetchone()
            if row is None:
                return False
            if row["undone_at"] is not None:
                return True
            return self.progress(annotator).last == token and self.store.undo(int(row["id"]))

    def taken_back(self, annotator: str, place: str) -> Choices | None:
        """What the answer said that was last taken back from a place.

        :param annotator: whose answer.
        :param place: the token of the place.
        :return: its choices, None where none was taken back.
        """
        with self.store.reading() as database:
            row = database.execute(
                "SELECT preference, safe_first, safe_second FROM answers "
                "JOIN queue ON queue.id = answers.place WHERE queue.token = ? "
                "AND answers.annotator = ? AND undone_at IS NOT NULL ORDER BY answers.id DESC",
                (place, annotator),
            ).fetchone()
        return None if row is None else Choices(*row)

    def progress(self, annotator: str) -> Progress:
        """How far somebody is.

        :param annotator: who.
        """
        with self.store.reading() as database:
            rows = database.execute(
                "SELECT token, seconds FROM answers WHERE annotator = ? AND place IS NOT NULL "
                "AND undone_at IS NULL ORDER BY id DESC",
                (annotator,),
            ).fetchall()
        seconds = [float(row["seconds"]) for row in rows[:_PACE_WINDOW]]
        return Progress(
            answered=len(rows),
            seconds=statistics.median(seconds) if seconds else None,
            last=rows[0]["token"] if rows else None,
        )

    def refuse(self, segment: Segment, reason: str) -> None:
        """Never show a segment again: no clip of it can be made.

        :param segment: which.
        :param reason: why, for the owner of the data.
        """
        with self.store.transaction() as database:
            database.execute(
                "INSERT OR IGNORE INTO refused VALUES (?, ?)", (segment_text(segment), reason)
            )

    def show_with(self, clips: str) -> None:
        """Say how clips are made; those that another way could not make are tried again.

        :param clips: what identifies the way, for instance ``"replay"``.
        """
        with self.store.transaction() as database:
            row = database.execute("SELECT value FROM about WHERE key = 'clips'").fetchone()
            if row is None or row["value"] != clips:
                database.execute("DELETE FROM refused")
                database.execute("INSERT OR REPLACE INTO about VALUES ('clips', ?)", (clips,))

    def refused(self) -> dict[Segment, str]:
        """The segments of which no clip can be shown, and why."""
        with self.store.reading() as database:
            rows = database.execute("SELECT segment, reason FROM refused").fetchall()
        return {parse_segment(row["segment"]): row["reason"] for row in rows}


def _append(database: sqlite3.Connection, annotator: str, pair: int, *, mirrored: bool) -> bool:
    done = database.execute(
        "INSERT OR IGNORE INTO queue (token, annotator, pair, mirrored) VALUES (?, ?, ?, ?)",
        (secrets.token_hex(16), annotator, pair, int(mirrored)),
    )
    return done.rowcount == 1


def _to_place(row: sqlite3.Row) -> Place:
    left, right = shown_segments(row)
    return Place(
        token=row["token"],
        left=left,
        right=right,
        strategy=row["strategy"],
        strategy_parameters=json.loads(row["parameters"]),
    )
