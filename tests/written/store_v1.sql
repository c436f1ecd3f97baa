BEGIN TRANSACTION;
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "about" VALUES('dataset_id','made-up/walk-v0');
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
    seconds REAL NOT NULL,
    answered_at REAL NOT NULL,
    strategy TEXT NOT NULL,
    parameters TEXT NOT NULL,
    undone_at REAL
);
INSERT INTO "answers" VALUES(1,NULL,NULL,'ann',1,0,1.0,1.0,NULL,3.5,1700000000.0,'coverage','{"seed": 3}',1800000000.0);
INSERT INTO "answers" VALUES(2,NULL,NULL,'ann',2,1,1.0,1.0,NULL,0.0,0.0,'coverage','{"seed": 3}',NULL);
INSERT INTO "answers" VALUES(3,'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1,'ann',1,1,1.0,1.0,NULL,2.5,1800000000.0,'coverage','{"seed": 3}',NULL);
CREATE TABLE episodes (id INTEGER PRIMARY KEY, hash BLOB NOT NULL CHECK (length(hash) = 32));
INSERT INTO "episodes" VALUES(0,X'0000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO "episodes" VALUES(1,X'0101010101010101010101010101010101010101010101010101010101010101');
INSERT INTO "episodes" VALUES(2,X'0202020202020202020202020202020202020202020202020202020202020202');
INSERT INTO "episodes" VALUES(3,X'0303030303030303030303030303030303030303030303030303030303030303');
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
INSERT INTO "pairs" VALUES(1,'1:0:5 2:3:5','1:0:5','2:3:5','coverage','{"seed": 3}',1,1700000000.0);
INSERT INTO "pairs" VALUES(2,'2:3:5 3:0:5','2:3:5','3:0:5','coverage','{"seed": 3}',0,1700000000.0);
INSERT INTO "pairs" VALUES(3,'1:0:5 3:0:5','1:0:5','3:0:5','coverage','{"seed": 3}',0,1700000000.0);
CREATE TABLE queue (
    id INTEGER PRIMARY KEY,
    token TEXT NOT NULL UNIQUE,
    annotator TEXT NOT NULL,
    pair INTEGER NOT NULL REFERENCES pairs (id),
    mirrored INTEGER NOT NULL,
    UNIQUE (annotator, pair)
);
INSERT INTO "queue" VALUES(1,'11111111111111111111111111111111','ann',1,1);
INSERT INTO "queue" VALUES(2,'22222222222222222222222222222222','ann',3,0);
CREATE TABLE refused (segment TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE UNIQUE INDEX one_live_answer ON answers (place)
    WHERE place IS NOT NULL AND undone_at IS NULL;
CREATE INDEX answers_of_annotator ON answers (annotator, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('answers',3);
PRAGMA application_id = 1396847440;
PRAGMA user_version = 1;
COMMIT;
