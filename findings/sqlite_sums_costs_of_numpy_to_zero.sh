#!/usr/bin/env bash
# Python's SQLite module stores a NumPy number as bytes, and their sum is 0.
#
# Versions: numpy 2.4.6, with the SQLite module of Python 3.11.
# One would guess: `np.int64(3)` in a column of integers is 3, as `np.float64(0.5)` in one of reals is 0.5. Otherwise an
#   error, as for a NumPy array's shape or a dictionary.
# What happens: np.float64 is a float of Python and is stored as one. All other NumPy numbers offer their memory, and
#   SQLite stores it as a BLOB of 1 to 8 bytes. SUM and AVG take a BLOB for 0, and it is above every number.
# Seen: four costs 0, 1, 0, 2 as np.int64 have the sum 0 and the mean 0.0. As float32 likewise; as float64 the sum is 3.
#   All four are above 1,000,000, and none equals 0. `WHERE label = 1` finds none of the labels that are np.True_.
# Why it matters: costs, steps and labels come out of arrays. A database of episodes whose total cost is 0 looks like
#   that of a safe agent.
# Way round: `.item()` or `.tolist()` before, or `CREATE TABLE ... STRICT`, which refuses the bytes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq numpy==2.4.6
venv/bin/python -I - <<'PY'
import sqlite3
from importlib.metadata import version

import numpy as np

print({name: version(name) for name in ("numpy",)}, "SQLite", sqlite3.sqlite_version)


def stored(costs, strict=""):
    """Total, mean, rows above a million and rows of cost 0."""
    base = sqlite3.connect(":memory:")
    base.execute(f"CREATE TABLE steps (cost REAL) {strict}")
    base.executemany("INSERT INTO steps VALUES (?)", [(cost,) for cost in costs])
    return base.execute("SELECT sum(cost), avg(cost), sum(cost > 1000000), sum(cost = 0) FROM steps").fetchone()


costs = [0, 1, 0, 2]
for dtype in ("int64", "int32", "uint8", "float32", "float64"):
    answer = stored(np.array(costs, dtype))
    print(dtype, "sum, mean, above a million, equal to 0:", answer)
    assert answer == ((3, 0.75, 0, 2) if dtype == "float64" else (0, 0, 4, 0)), "NumPy numbers are stored as numbers"
assert stored(np.array(costs).tolist()) == (3, 0.75, 0, 2), "the way round fails"

base = sqlite3.connect(":memory:")
base.execute("CREATE TABLE clips (label INTEGER)")
base.executemany("INSERT INTO clips VALUES (?)", [(label,) for label in np.array([True, True, False])])
found = base.execute("SELECT count(*) FROM clips WHERE label = 1").fetchone()[0]
print("labels that are 1:", found, base.execute("SELECT label FROM clips").fetchall())
assert found == 0, "labels are numbers now"

try:
    stored(np.array(costs), "STRICT")
    raise SystemExit("the way round fails")
except sqlite3.IntegrityError as error:
    print("refused by a strict table:", error)
PY
