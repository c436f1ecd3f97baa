"""The tables of a store of answers, and how files of former versions become the newest one."""

import sqlite3

FORMAT_VERSION = 3

_TABLES = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE episodes (id INTEGER PRIMARY KEY, hash BLOB NOT NULL CHECK (length(hash) = 32));
-- A pair stands here once, its smaller segment first. A single segment has no second.
CREATE TABLE pairs (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    first TEXT NOT NULL,
    second TEXT,
    strategy TEXT NOT NULL,
    parameters TEXT NOT NULL,
    shared INTEGER NOT NULL DEFAULT 0,
    chosen_at REAL NOT NULL
);
-- Segments of which no clip can be shown, and why.
CREATE TABLE refused (segment TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
"""
_KNOWN = """
-- Questions to which the owner knows the answer, in the order of the pair's segments.
CREATE TABLE known (
    pair INTEGER PRIMARY KEY REFERENCES pairs (id),
    preference REAL,
    safe_first REAL,
    safe_second REAL
);
-- Who agreed to which text, by its SHA-256.
CREATE TABLE consents (
    annotator TEXT NOT NULL,
    text_hash TEXT NOT NULL,
    given_at REAL NOT NULL,
    PRIMARY KEY (annotator, text_hash)
) WITHOUT ROWID;
"""
_QUEUE = """
-- Who is to be asked what, in the order of id. token names the place in the queue on the page. A
-- person is asked a pair once on each occasion: that of hidden repeats, for one.
CREATE TABLE queue (
    id INTEGER PRIMARY KEY,
    token TEXT NOT NULL UNIQUE,
    annotator TEXT NOT NULL,
    pair INTEGER NOT NULL REFERENCES pairs (id),
    mirrored INTEGER NOT NULL,
    strategy TEXT NOT NULL,
    parameters TEXT NOT NULL,
    role TEXT NOT NULL DEFAULT 'asked',
    occasion TEXT NOT NULL DEFAULT '',
    guess TEXT,
    UNIQUE (annotator, pair, occasion)
);
"""
_ANSWERS = """
-- token is drawn by the page for each showing of a pair: the same answer sent twice is one answer.
CREATE TABLE answers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    token TEXT UNIQUE,
    place INTEGER REFERENCES queue (id),
    annotator TEXT NOT NULL,
    pair INTEGER NOT NULL REFERENCES pairs (id),
    mirrored INTEGER NOT NULL,
    preference REAL,
    safe_first REAL,
    safe_second REAL,
    seconds REAL,
    answered_at REAL,
    strategy TEXT NOT NULL,
    parameters TEXT NOT NULL,
    undone_at REAL,
    strength INTEGER,
    unsafe_from_first INTEGER,
    unsafe_from_second INTEGER,
    tags TEXT NOT NULL DEFAULT '[]',
    note TEXT NOT NULL DEFAULT '',
    role TEXT NOT NULL DEFAULT 'asked',
    guess TEXT
);
CREATE UNIQUE INDEX one_live_answer ON answers (place)
    WHERE place IS NOT NULL AND undone_at IS NULL;
CREATE INDEX answers_of_annotator ON answers (annotator, id);
"""
#: To find what a person said of a pair: imports ask it for each answer. Files of version 3 may lack
#: it, and programs that do not know it may use files that have it.
_INDEX = "CREATE INDEX IF NOT EXISTS answers_of_pair ON answers (pair, annotator)"
#: Version 1 wrote 0 for the unknown times of imported answers.
_TIMES = {
    1: "CASE WHEN place IS NULL THEN nullif(seconds, 0) ELSE seconds END, nullif(answered_at, 0)",
    2: "seconds, answered_at",
}
_UPGRADE = f"""
DROP INDEX one_live_answer;
DROP INDEX answers_of_annotator;
ALTER TABLE answers RENAME TO answers_before;
ALTER TABLE queue RENAME TO queue_before;
{_KNOWN};
{_QUEUE};
INSERT INTO queue (id, token, annotator, pair, mirrored, strategy, parameters)
    SELECT queue_before.id, token, annotator, pair, mirrored, strategy, parameters
    FROM queue_before JOIN pairs ON pairs.id = pair;
{_ANSWERS};
INSERT INTO answers (id, token, place, annotator, pair, mirrored, preference, safe_first,
    safe_second, seconds, answered_at, strategy, parameters, undone_at)
    SELECT id, token, place, annotator, pair, mirrored, preference, safe_first, safe_second,
    TIMES, strategy, parameters, undone_at FROM answers_before;
DROP TABLE answers_before;
DROP TABLE queue_before
"""


def create(database: sqlite3.Connection) -> None:
    """Make the tables in an empty file, within the open transaction."""
    _execute_all(database, _TABLES + _KNOWN + _QUEUE + _ANSWERS)
    _stamp(database)


def upgrade(database: sqlite3.Connection) -> None:
    """Bring a new file, or one of a former version, to the newest one, within the transaction."""
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version < FORMAT_VERSION:
        _execute_all(database, _UPGRADE.replace("TIMES", _TIMES[version]))
        _stamp(database)
    database.execute(_INDEX)


def _stamp(database: sqlite3.Connection) -> None:
    database.execute(f"PRAGMA user_version = {FORMAT_VERSION}")


def _execute_all(database: sqlite3.Connection, script: str) -> None:
    """Execute statements within the open transaction, unlike ``executescript``."""
    for statement in script.split(";"):
        database.execute(statement)
