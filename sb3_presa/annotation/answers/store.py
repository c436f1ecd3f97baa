"""The store of answers: an SQLite file in which each answer is durable before it is confirmed.

The file is beside the feedback with its name: ``data/feedback/<name>.annotations.sqlite``. Answers
are never deleted: one that was taken back is marked. The file has the hash of every shown episode,
so that answers are never applied to other data. Needs only the standard library.
"""

import hashlib
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sb3_presa.annotation.answers import schema
from sb3_presa.annotation.answers.answer import Answer, known_answer
from sb3_presa.annotation.answers.database import Database
from sb3_presa.annotation.answers.rows import (
    answer_columns,
    insert,
    parameters_text,
    parse_segment,
    segment_text,
    to_answer,
)
from sb3_presa.errors import FeedbackError, FileNotWrittenError

_APPLICATION_ID = 0x53423350  # "SB3P", in the header of the file

_ANSWERS = """
SELECT answers.*, pairs.first, pairs.second FROM answers JOIN pairs ON pairs.id = answers.pair
"""


class AnswerStore:
    """The answers on one dataset under one name. Threads and processes may share it.

    :param path: the file; made if it is missing.
    :param dataset_id: the dataset of the answers. None: any dataset, and the file must exist.
    :param read_only: read what is there now, also on a disk that cannot be written. What is written
        then goes nowhere.
    :raises FeedbackError: if the file is not a store of answers, is damaged, of a newer version, of
        another dataset, or cannot be written.
    :raises StoreBusyError: if another program locks it.
    """

    def __init__(
        self, path: Path, dataset_id: str | None = None, *, read_only: bool = False
    ) -> None:
        self.path = Path(path)
        if dataset_id is None and not self.path.is_file():
            raise FeedbackError(
                f"{self.path} does not exist; collect answers with sb3-presa annotate first"
            )
        if not read_only:
            self.path.parent.mkdir(exist_ok=True)
        is_new = not self.path.exists()
        try:
            self._open(dataset_id, read_only)
        except FileNotWrittenError:
            if is_new:  # nothing could be put into it
                for suffix in ("", "-wal", "-shm"):
                    self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            raise

    def _open(self, dataset_id: str | None, read_only: bool) -> None:
        self._database = Database(self.path, read_only)
        # Answers by number: rows do not change, and strategies ask for all of them all the time
        self._read_before: dict[int, Answer] = {}
        try:
            with self.transaction() as database:
                self._check_or_create(database, dataset_id)
                schema.upgrade(database)
            self.dataset_id = self._about("dataset_id")
        except BaseException:
            self.close()
            raise

    def _check_or_create(self, database: sqlite3.Connection, dataset_id: str | None) -> None:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version == 0 and tables == 0 and dataset_id is not None:
            schema.create(database)
            database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            database.execute("INSERT INTO about VALUES ('dataset_id', ?)", (dataset_id,))
            return
        if database.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
            raise FeedbackError(
                f"{self.path} is not a store of answers: it is the database of another program"
            )
        if not 1 <= version <= schema.FORMAT_VERSION:
            raise FeedbackError(
                f"the format version of a store of answers must be 1 to "
                f"{schema.FORMAT_VERSION}, got {version} ({self.path}); update sb3_presa to read it"
            )
        found = self._about("dataset_id")
        if dataset_id not in (None, found):
            raise FeedbackError(
                f"the answers must be on dataset '{dataset_id}', got answers on '{found}' "
                f"({self.path})"
            )

    def _about(self, key: str) -> str:
        with self.reading() as database:
            row = database.execute("SELECT value FROM about WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise FeedbackError(f"{self.path} is damaged: it must name its {key}, got none")
        return str(row[0])

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        self._database.close()

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """See :meth:`~sb3_presa.annotation.answers.database.Database.transaction`."""
        return self._database.transaction()

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """See :meth:`~sb3_presa.annotation.answers.database.Database.reading`."""
        return self._database.reading()

    @property
    def episode_hashes(self) -> dict[int, bytes]:
        """The 32 bytes of ``episode_hash`` of each shown episode, by its id."""
        with self.reading() as database:
            return {
                int(row["id"]): bytes(row["hash"])
                for row in database.execute("SELECT id, hash FROM episodes ORDER BY id")
            }

    def record_episodes(self, hashes: Mapping[int, bytes]) -> None:
        """Record the episodes of the answers.

        :param hashes: episode id to ``episode_hash``.
        :raises FeedbackError: if an episode was recorded with another hash: the data have changed.
        """
        with self.transaction() as database:
            known = self.episode_hashes
            for episode, content in hashes.items():
                if known.get(episode, content) != content:
                    raise FeedbackError(
                        f"episode {episode} must have the hash that it had when it was shown to "
                        f"people, got another one: the answers belong to other data ({self.path}). "
                        "Use another name with --feedback"
                    )
            database.executemany(
                "INSERT OR IGNORE INTO episodes VALUES (?, ?)",
                [(int(episode), bytes(content)) for episode, content in hashes.items()],
            )

    def answers(self, *, annotator: str | None = None, undone: bool = False) -> list[Answer]:
        """The answers, in the order in which they were given.

        :param annotator: only the answers of this person.
        :param undone: the answers that were taken back, instead of the valid ones.
        :return: the answers, each with the left clip as its first.
        """
        where = f"WHERE undone_at IS {'NOT' if undone else ''} NULL"
        arguments: tuple[str, ...] = ()
        if annotator is not None:
            where, arguments = f"{where} AND annotator = ?", (annotator,)
        with self.reading() as database:
            rows = database.execute(f"SELECT id FROM answers {where} ORDER BY id", arguments)
            numbers = [int(number) for (number,) in rows]
            known = self._read_before
            if self._database.is_writing():  # what is rolled back may leave its numbers to others
                known = {}
            missing = [number for number in numbers if number not in known]
            if missing:
                later = database.execute(f"{_ANSWERS} WHERE answers.id >= ?", (missing[0],))
                try:
                    known |= {int(row["id"]): to_answer(row) for row in later}
                except (TypeError, ValueError) as error:
                    raise FeedbackError(f"{self.path} is damaged: {error}") from error
            return [known[number] for number in numbers]

    @property
    def last_number(self) -> int:
        """The number of the last answer, whether it was taken back or not; 0 without any."""
        with self.reading() as database:
            return int(database.execute("SELECT coalesce(max(id), 0) FROM answers").fetchone()[0])

    def consent(self, annotator: str, text: str) -> None:
        """Record that a person agrees to a text, and when; it is on the disk when this returns.

        :param annotator: the person.
        :param text: what the person agrees to.
        """
        with self.transaction() as database:
            database.execute(
                "INSERT OR IGNORE INTO consents VALUES (?, ?, ?)",
                (annotator, _text_hash(text), time.time()),
            )

    def has_consented(self, annotator: str, text: str) -> bool:
        """Whether a person has agreed to this very text.

        :param annotator: the person.
        :param text: the text.
        """
        with self.reading() as database:
            found = database.execute(
                "SELECT 1 FROM consents WHERE annotator = ? AND text_hash = ?",
                (annotator, _text_hash(text)),
            ).fetchone()
        return found is not None

    def known(self) -> list[Answer]:
        """The questions to which the owner knows the answer, as answers of the owner."""
        with self.reading() as database:
            rows = database.execute(
                "SELECT known.*, pairs.first, pairs.second FROM known "
                "JOIN pairs ON pairs.id = known.pair ORDER BY pair"
            ).fetchall()
        return [
            known_answer(
                parse_segment(row["first"]),
                row["second"] and parse_segment(row["second"]),
                (row["preference"], row["safe_first"], row["safe_second"]),
            )
            for row in rows
        ]

    def set_known(self, known: Iterable[Answer]) -> None:
        """Replace the questions to which the owner knows the answer.

        :param known: the answers; the episodes of their segments must have been recorded.
        :raises FeedbackError: if the episode of a segment was not recorded.
        """
        with self.transaction() as database:
            database.execute("DELETE FROM known")
            for answer in known:
                ordered = answer.canonical()
                insert(
                    database,
                    "known",
                    {
                        "pair": self.pair_id(answer),
                        "preference": ordered.preference,
                        "safe_first": ordered.safe_first,
                        "safe_second": ordered.safe_second,
                    },
                )

    def add(self, answer: Answer) -> int:
        """Write one answer, see :meth:`add_all`.

        :param answer: the answer.
        :return: the answer's number, for :meth:`undo`.
        :raises FeedbackError: if the episode of a segment was not recorded.
        """
        return self.add_all([answer])[0]

    def add_all(self, answers: Iterable[Answer]) -> list[int]:
        """Write answers that were not given on the page, such as imported ones.

        The episodes of their segments must have been recorded (:meth:`record_episodes`). An answer
        that the store already has (same person, time and content) is not written again. Answers
        without a time are compared as sequences, one per person and pair (in either order of its
        segments): the longest prefix of the new ones that is a suffix of the stored ones is not
        written again. The same file therefore adds nothing when it is imported twice, and the last
        answer stays the last even if it repeats an earlier one.

        :param answers: the answers; those of each person in the order in which they were given.
        :return: the answers' numbers, for :meth:`undo`.
        :raises FeedbackError: if the episode of a segment was not recorded.
        """
        with self.transaction() as database:
            rows = [answer_columns(answer, self.pair_id(answer)) for answer in answers]
            known = _known_without_time(database, rows)
            numbers = []
            for row in rows:
                if row["answered_at"] is None:
                    number = next(known[row["annotator"], row["pair"]], None)
                else:
                    number = next((int(same["id"]) for same in _standing(database, row)), None)
                numbers.append(insert(database, "answers", row) if number is None else number)
            return numbers

    def undo(self, number: int) -> bool:
        """Take an answer back; it is marked, not deleted.

        :param number: the answer's number, from :meth:`add`.
        :return: whether it was valid until now.
        """
        with self.transaction() as database:
            done = database.execute(
                "UPDATE answers SET undone_at = ? WHERE id = ? AND undone_at IS NULL",
                (time.time(), number),
            )
            return done.rowcount == 1

    def pair_id(self, answer: Answer) -> int:
        """The number of an answer's pair; a new pair is written.

        :param answer: the answer, in either order of its segments.
        :return: the row of ``pairs``.
        :raises FeedbackError: if the episode of a segment was not recorded.
        """
        ordered = answer.canonical()
        segments = [ordered.first] if ordered.second is None else [ordered.first, ordered.second]
        texts = [segment_text(segment) for segment in segments]
        with self.transaction() as database:
            found = database.execute(
                "SELECT id FROM pairs WHERE name = ?", (" ".join(texts),)
            ).fetchone()
            if found:
                return int(found[0])
            for episode in {segment[0] for segment in segments}:
                if not database.execute(
                    "SELECT 1 FROM episodes WHERE id = ?", (episode,)
                ).fetchone():
                    raise FeedbackError(
                        f"the hash of episode {episode} must be recorded before its answers, got "
                        f"none ({self.path})"
                    )
            columns = {
                "name": " ".join(texts),
                "first": texts[0],
                "second": texts[1] if len(texts) == 2 else None,
                "strategy": answer.strategy,
                "parameters": parameters_text(answer.strategy_parameters),
                "chosen_at": time.time(),
            }
            return insert(database, "pairs", columns)


def _text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _standing(database: sqlite3.Connection, which: Mapping[str, Any]) -> list[sqlite3.Row]:
    """The valid answers with these values, in their order."""
    same = " AND ".join(f"{name} IS ?" for name in which)
    return database.execute(
        f"SELECT * FROM answers WHERE undone_at IS NULL AND {same} ORDER BY id",
        tuple(which.values()),
    ).fetchall()


def _known_without_time(
    database: sqlite3.Connection, rows: Iterable[Mapping[str, Any]]
) -> dict[tuple[str, int], Iterator[int]]:
    """The numbers of stored answers without a time that ``rows`` repeat, by person and pair."""
    given: dict[tuple[str, int], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["answered_at"] is None:
            given[row["annotator"], row["pair"]].append(row)
    known = {}
    for (annotator, pair), said in given.items():
        which = {"annotator": annotator, "pair": pair, "answered_at": None}
        stored = _standing(database, which)
        shared = _overlap([{name: row[name] for name in said[0]} for row in stored], said)
        known[annotator, pair] = iter([int(row["id"]) for row in stored[len(stored) - shared :]])
    return known


def _overlap(stored: Sequence[Any], given: Sequence[Any]) -> int:
    """The length of the longest suffix of one sequence that is a prefix of the other."""
    longest = min(len(stored), len(given))
    return next(n for n in range(longest, -1, -1) if stored[len(stored) - n :] == given[:n])
