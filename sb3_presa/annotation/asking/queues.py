"""The queues of people over a store: questions in their order, and answers from the page.

Each person has a queue. A fixed share of each queue is drawn from shared pairs, which all people
are asked, so that agreement can be measured. Other pairs are asked of one person.
"""

import hashlib
import json
import secrets
import sqlite3
import statistics
import time
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from sb3_presa.annotation.answers.answer import Answer, Guess, Segment
from sb3_presa.annotation.answers.rows import (
    answer_columns,
    guess_text,
    insert,
    insert_new,
    parameters_text,
    parse_segment,
    segment_text,
)
from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.annotation.asking.places import Choices, Place, Progress, to_place

Outcome: TypeAlias = Literal["recorded", "repeated", "answered", "unknown"]

#: Number of last answers for the median time of a person.
_PACE_WINDOW = 20

_PLACES = """
SELECT queue.token, queue.mirrored, queue.pair, queue.role, queue.guess, queue.strategy,
    queue.parameters, pairs.first, pairs.second
FROM queue JOIN pairs ON pairs.id = queue.pair
"""
#: Of rows of ``pairs``.
NOT_REFUSED = """
NOT EXISTS (SELECT 1 FROM refused WHERE segment = pairs.first OR segment = pairs.second)
"""
_UNANSWERED = """
NOT EXISTS (SELECT 1 FROM answers WHERE answers.place = queue.id AND undone_at IS NULL)
"""


class Queues:
    """The queues of people over a store; threads may share them.

    :param store: the store of the answers.
    """

    def __init__(self, store: AnswerStore) -> None:
        self.store = store

    def waiting(self, annotator: str) -> list[Place]:
        """The places that a person has not answered yet, in the order of the queue.

        :param annotator: the person.
        :return: the places without an answer and without a refused clip.
        """
        with self.store.reading() as database:
            rows = database.execute(
                f"{_PLACES} WHERE annotator = ? AND {_UNANSWERED} AND {NOT_REFUSED} "
                "ORDER BY queue.id",
                (annotator,),
            )
            return [to_place(row) for row in rows]

    def pending(self) -> list[Place]:
        """The unanswered places of all people."""
        with self.store.reading() as database:
            return [to_place(row) for row in database.execute(f"{_PLACES} WHERE {_UNANSWERED}")]

    def next_is_shared(self, annotator: str, share: float) -> bool:
        """Whether the next place of a queue should have a shared pair.

        :param annotator: the person.
        :param share: the share of shared pairs, in [0, 1].
        """
        with self.store.reading() as database:
            places, shared = database.execute(
                "SELECT count(*), coalesce(sum(shared), 0) FROM queue "
                "JOIN pairs ON pairs.id = queue.pair WHERE annotator = ? AND occasion = '' AND "
                f"{NOT_REFUSED}",
                (annotator,),
            ).fetchone()
        return bool(shared < int((places + 1) * share + 1e-9))

    def join_shared(self, annotator: str) -> bool:
        """Append the oldest shared pair that a queue does not have yet.

        Its sides are swapped for half of the people, so that a bias for one side does not look like
        agreement.

        :param annotator: the person.
        :return: whether a pair was appended.
        """
        with self.store.transaction() as database:
            row = database.execute(
                f"SELECT * FROM pairs WHERE shared AND {NOT_REFUSED} AND id NOT IN "
                "(SELECT pair FROM queue WHERE annotator = ?) ORDER BY id LIMIT 1",
                (annotator,),
            ).fetchone()
            if row is None:
                return False
            digest = hashlib.sha256(f"{annotator}|{row['name']}".encode()).digest()
            return append_place(
                database,
                annotator,
                int(row["id"]),
                mirrored=int(digest[0] & 1),
                strategy=row["strategy"],
                parameters=row["parameters"],
            )

    def append(
        self,
        annotator: str,
        left: Segment,
        right: Segment | None,
        strategy: str,
        parameters: Mapping[str, Any],
        *,
        shared: bool = False,
        occasion: str = "",
        guess: Guess | None = None,
    ) -> bool:
        """Append a pair to a queue, unless the queue has it already on this occasion.

        :param annotator: the person.
        :param left: the segment to show on the left.
        :param right: the segment on the right, None to show one alone.
        :param strategy: name of the strategy that chose the pair.
        :param parameters: its settings.
        :param shared: whether all people are asked.
        :param occasion: another one than before asks the same pair again. The later answer counts.
        :param guess: what a model expects of the answer; :meth:`guess` can say it later.
        :return: whether it was appended.
        """
        asked = Answer(annotator, left, right, None, None, None, None, None, strategy, parameters)
        with self.store.transaction() as database:
            pair = self.store.pair_id(asked)
            if shared:
                database.execute("UPDATE pairs SET shared = 1 WHERE id = ?", (pair,))
            return append_place(
                database,
                annotator,
                pair,
                mirrored=int(asked.canonical() is not asked),
                strategy=strategy,
                parameters=parameters_text(parameters),
                occasion=occasion,
                guess=guess_text(guess),
            )

    def guess(self, annotator: str, place: str, guess: Guess | None) -> None:
        """Record what a model expects of an answer that was not given yet.

        :param annotator: the person.
        :param place: the token of the place; one that is not in the queue changes nothing.
        :param guess: the guess, the left segment first; None takes it back.
        """
        with self.store.transaction() as database:
            database.execute(
                f"UPDATE queue SET guess = ? WHERE token = ? AND annotator = ? AND {_UNANSWERED}",
                (guess_text(guess), place, annotator),
            )

    def place(self, annotator: str, token: str) -> Place | None:
        """A place of a person's queue, answered or not.

        :param annotator: the person.
        :param token: the place's name on the page.
        """
        with self.store.reading() as database:
            row = database.execute(
                f"{_PLACES} WHERE queue.token = ? AND annotator = ?", (token, annotator)
            ).fetchone()
        return None if row is None else to_place(row)

    def record(
        self, annotator: str, place: str, token: str, choices: Choices, seconds: float
    ) -> Outcome:
        """Write an answer; it is on the disk when this returns.

        :param annotator: the person.
        :param place: the token of the place.
        :param token: drawn by the page each time it shows a pair; 32 hexadecimal digits. An answer
            that is sent twice has the same token.
        :param choices: the choices.
        :param seconds: time since the clips were shown.
        :return: ``"recorded"``; ``"repeated"`` if this answer was recorded before; ``"answered"``
            if the place has another answer, or this one was taken back, and nothing changes;
            ``"unknown"`` if the place is not in the queue.
        """
        with self.store.transaction() as database:
            found = self.place(annotator, place)
            if found is None:
                return "unknown"
            if earlier := self.sent(token):
                of, counts = earlier
                return "repeated" if counts and of.token == place else "answered"
            if database.execute(
                "SELECT 1 FROM answers WHERE undone_at IS NULL AND place IN "
                "(SELECT id FROM queue WHERE token = ?)",
                (place,),
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
                strength=choices.strength,
                unsafe_from_first=choices.unsafe_from_left,
                unsafe_from_second=choices.unsafe_from_right,
                tags=choices.tags,
                note=choices.note,
                role=found.role,
                guess=found.guess,
            )
            self.write(answer, token, place)
            return "recorded"

    def sent(self, token: str) -> tuple[Place, bool] | None:
        """The place that was answered under a token, and whether the answer counts.

        :param token: as for :meth:`record`.
        :return: False of an answer that was taken back; None if no answer has the token.
        """
        with self.store.reading() as database:
            row = database.execute(
                "SELECT place, undone_at FROM answers WHERE token = ?", (token,)
            ).fetchone()
            if row is None:
                return None
            of = database.execute(f"{_PLACES} WHERE queue.id = ?", (row["place"],)).fetchone()
        return to_place(of), row["undone_at"] is None

    def write(self, answer: Answer, token: str, place: str) -> None:
        """Write an answer to a place, within the open transaction.

        :param answer: the answer.
        :param token: as for :meth:`record`.
        :param place: the token of the place.
        """
        with self.store.transaction() as database:
            [number] = database.execute("SELECT id FROM queue WHERE token = ?", (place,)).fetchone()
            columns = answer_columns(answer, self.store.pair_id(answer))
            insert(database, "answers", {**columns, "token": token, "place": number})

    def undo(self, annotator: str, token: str) -> bool:
        """Take back a person's last answer; its place is then shown next.

        :param annotator: the person.
        :param token: the answer's token. Tokens of earlier answers change nothing, so that a second
            tab, or a click that is sent twice, takes back only the answer on display.
        :return: whether it was the last answer, or had been taken back already.
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
            if self.progress(annotator).last != token:
                return False
            for other in database.execute(  # the other pairs of a group that was put in an order
                "SELECT id FROM answers WHERE token GLOB ? AND annotator = ?",
                (f"{token}.*", annotator),
            ).fetchall():
                self.store.undo(int(other["id"]))
            return self.store.undo(int(row["id"]))

    def taken_back(self, annotator: str, place: str) -> Choices | None:
        """The choices of the last answer that was taken back from a place.

        :param annotator: the person.
        :param place: the token of the place.
        :return: the choices, or None.
        """
        with self.store.reading() as database:
            row = database.execute(
                "SELECT answers.* FROM answers "
                "JOIN queue ON queue.id = answers.place WHERE queue.token = ? "
                "AND answers.annotator = ? AND undone_at IS NOT NULL ORDER BY answers.id DESC",
                (place, annotator),
            ).fetchone()
        if row is None:
            return None
        return Choices(
            preference=row["preference"],
            safe_left=row["safe_first"],
            safe_right=row["safe_second"],
            strength=row["strength"],
            unsafe_from_left=row["unsafe_from_first"],
            unsafe_from_right=row["unsafe_from_second"],
            tags=tuple(json.loads(row["tags"])),
            note=row["note"],
        )

    def progress(self, annotator: str) -> Progress:
        """The progress of a person.

        :param annotator: the person.
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

    def asked_again(self, annotator: str) -> int:
        """The number of places beside those that the number of pairs is about: doubts.

        :param annotator: the person.
        """
        with self.store.reading() as database:
            return int(
                database.execute(
                    "SELECT count(*) FROM queue JOIN pairs ON pairs.id = pair WHERE annotator = ? "
                    f"AND role = 'asked' AND occasion != '' AND {NOT_REFUSED}",
                    (annotator,),
                ).fetchone()[0]
            )

    def count(self) -> int:
        """The number of valid answers of all people, without hidden repeats and known questions."""
        with self.store.reading() as database:
            row = database.execute(
                "SELECT count(*) FROM answers WHERE undone_at IS NULL AND role = 'asked'"
            ).fetchone()
        return int(row[0])

    def refuse(self, segment: Segment, reason: str) -> None:
        """Exclude a segment whose clip cannot be made.

        :param segment: the segment.
        :param reason: the reason, for the owner of the data.
        """
        with self.store.transaction() as database:
            database.execute(
                "INSERT OR IGNORE INTO refused VALUES (?, ?)", (segment_text(segment), reason)
            )

    def show_with(self, clips: str) -> None:
        """Record how clips are made; segments that another method refused are tried again.

        :param clips: identifies the method, such as ``"replay"``.
        """
        with self.store.transaction() as database:
            row = database.execute("SELECT value FROM about WHERE key = 'clips'").fetchone()
            if row is None or row["value"] != clips:
                database.execute("DELETE FROM refused")
                database.execute("INSERT OR REPLACE INTO about VALUES ('clips', ?)", (clips,))

    def refused(self) -> dict[Segment, str]:
        """The excluded segments, with the reason of each."""
        with self.store.reading() as database:
            rows = database.execute("SELECT segment, reason FROM refused").fetchall()
        return {parse_segment(row["segment"]): row["reason"] for row in rows}


def append_place(database: sqlite3.Connection, annotator: str, pair: int, **columns: Any) -> bool:
    """Append a place to a queue, within the open transaction.

    :param database: the connection.
    :param annotator: the person.
    :param pair: the number of the pair.
    :param columns: the other columns of the place.
    :return: whether the queue did not have the pair on this occasion.
    """
    named = {"token": secrets.token_hex(16), "annotator": annotator, "pair": pair, **columns}
    return insert_new(database, "queue", named)
