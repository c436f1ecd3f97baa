"""The SQLite file of a store of answers: one connection to write, one to read, errors by name."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from sb3_presa.errors import FeedbackError, FileNotWrittenError, StoreBusyError

#: How long a writer waits for another one, of this process or of another program.
_PATIENCE_SECONDS = 2.0
#: FULL: a commit returns when its bytes are on the disk.
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")
_READ_ONLY = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


class Database:
    """
    The file of a store. Threads and processes may share it: who reads waits for nobody.

    :param path: The file; made if it is missing.
    :param read_only: Read what is there now, into memory. The file may be on a disk that cannot be
        written; the transactions of this object stay in memory.
    :raises FeedbackError: If the file cannot be opened, or is not an SQLite database.
    :raises StoreBusyError: If another program locks it.
    """

    def __init__(self, path: Path, read_only: bool = False) -> None:
        self.path = path
        self._writing, self._reading = threading.RLock(), threading.RLock()
        with self._naming_errors():
            self._writer = _in_memory(path) if read_only else _opened(path)
            # What is in memory has one connection
            self._reader = self._writer if read_only else _opened(path)
            if read_only:
                self._reading = self._writing

    def close(self) -> None:
        """Close the file."""
        with self._reading, self._writing:
            self._reader.close()
            self._writer.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction; it is committed and on the disk when the block ends.

        :return: The connection, for statements.
        :raises StoreBusyError: If another program, or another thread, writes for too long.
        :raises FileNotWrittenError: If the disk is full. Nothing of the block is stored.
        """
        if not self._writing.acquire(timeout=_PATIENCE_SECONDS):
            raise self._busy("another answer is being written")
        try:
            if self._writer.in_transaction:  # nested: part of the outer one
                yield self._writer
                return
            with self._naming_errors():
                self._writer.execute("BEGIN IMMEDIATE")
                try:
                    yield self._writer
                    self._writer.execute("COMMIT")
                except BaseException:
                    _roll_back(self._writer)
                    raise
        finally:
            self._writing.release()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The file as it was at the first query; within a transaction of this thread, as it is.

        :return: The connection, for queries.
        """
        if self.is_writing():
            yield self._writer
            return
        with self._reading, self._naming_errors():
            if self._reader.in_transaction:  # nested
                yield self._reader
                return
            self._reader.execute("BEGIN")
            try:
                yield self._reader
            finally:
                self._reader.execute("ROLLBACK")

    def is_writing(self) -> bool:
        """Whether this thread is in a transaction."""
        if not self._writing.acquire(blocking=False):
            return False  # another thread is
        try:
            return self._writer.in_transaction
        finally:
            self._writing.release()

    @contextlib.contextmanager
    def _naming_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in _BUSY:
                raise self._busy("another program writes it") from error
            if code in _READ_ONLY:
                raise FeedbackError(
                    f"{self.path} must be a file that can be written, got: {error}"
                ) from error
            if code in _NO_ROOM:
                raise FileNotWrittenError(
                    f"{self.path} cannot be written: {error}; what it holds is unchanged"
                ) from error
            raise FeedbackError(f"{self.path} is not a store of answers: {error}") from error

    def _busy(self, why: str) -> StoreBusyError:
        return StoreBusyError(f"{self.path} is busy, since {why}; try again")


def _roll_back(database: sqlite3.Connection) -> None:
    """On some errors, such as a full disk, SQLite has done it already: another would hide them."""
    if database.in_transaction:
        database.execute("ROLLBACK")


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(
        path, timeout=_PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
    )
    database.row_factory = sqlite3.Row
    for pragma in _PRAGMAS:
        database.execute(f"PRAGMA {pragma}")
    return database


def _in_memory(path: Path) -> sqlite3.Connection:
    memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    memory.row_factory = sqlite3.Row
    name = path.absolute().as_uri()
    try:
        _copy(f"{name}?mode=ro", memory)
    except sqlite3.OperationalError as error:
        log = path.with_name(f"{path.name}-wal")
        cannot_share = (error.sqlite_errorcode & 0xFF) in _READ_ONLY
        if not cannot_share or (log.exists() and log.stat().st_size):
            raise
        _copy(f"{name}?mode=ro&immutable=1", memory)  # nobody can write it here
    return memory


def _copy(uri: str, memory: sqlite3.Connection) -> None:
    with contextlib.closing(sqlite3.connect(uri, timeout=_PATIENCE_SECONDS, uri=True)) as stored:
        stored.backup(memory)
