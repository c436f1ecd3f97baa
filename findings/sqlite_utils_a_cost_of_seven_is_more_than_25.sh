#!/usr/bin/env bash
# sqlite-utils makes a column of text when a cost is missing in the first 100 rows: 7 is above 25, and the largest one.
#
# Versions: sqlite-utils 4.2.1.
# One would guess: a column without a type, or numbers as soon as there are some.
# What happens: types come from the first 100 rows, and a column of nothing but None becomes TEXT. SQLite turns numbers
#   that are put into such a column into text, and a number that is compared with it too.
# Seen: 100 rows without a cost, then 0.75, 30 and 7. "cost > 25" finds 30 and 7, and max(cost) is "7". With one cost
#   among the first hundred it finds 30.
# Why it matters: the first hundred steps of a log, or the first hundred clips of a desk, often have no cost or label.
#   Sums and means stay right, so nobody looks. Limits and largest values are wrong.
# Way round: `table.insert_all(rows, columns={"cost": float})`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq sqlite-utils==4.2.1
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import sqlite_utils

print({"sqlite-utils": version("sqlite-utils")})
costs = [0.75, 30, 7]


def look(first, **columns):
    database = sqlite_utils.Database(memory=True)
    rows = [{"clip": clip, "cost": cost} for clip, cost in enumerate([first, *[None] * 99, *costs])]
    database["clips"].insert_all(rows, **columns)
    above = [row["cost"] for row in database.query("select cost from clips where cost > 25 order by clip")]
    (figures,) = database.query("select max(cost) as largest, sum(cost) as total from clips")
    print(database["clips"].columns_dict["cost"].__name__, "above 25:", above, figures)
    return above, figures["largest"], figures["total"]


assert look(None) == (["30", "7"], "7", 37.75), "missing costs no longer make a column of text"
assert look(0.0) == ([30], 30, 37.75), "one cost among the first hundred is no longer enough"
assert look(None, columns={"cost": float}) == ([30], 30, 37.75), "the way round fails"
PY
