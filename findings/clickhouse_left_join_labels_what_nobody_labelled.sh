#!/usr/bin/env bash
# ClickHouse gives a clip that nobody labelled p_safe = 0 when clips are joined with their labels.
#
# Versions: chdb 4.4.0 (ClickHouse 26.9).
# One would guess: a LEFT JOIN fills in NULL where no row matches, as in every other SQL database.
# What happens: it fills in the default of the type: 0 for numbers, "" for text, 1970 for dates. The aggregate
#   functions then count these as values.
# Seen: three clips, one of them labelled 0.9. The join says 0.9, 0, 0, and the mean p_safe is 0.3. With
#   `join_use_nulls = 1` it says 0.9, NULL, NULL, and the mean is 0.9.
# Why it matters: "not labelled" turns into "surely unsafe", and a missing cost into a cost of 0. Two thirds of
#   the data change their meaning in the most ordinary query.
# Way round: `SETTINGS join_use_nulls = 1` with every outer join.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq chdb==4.4.0
venv/bin/python -I - <<'PY'
import json
from importlib.metadata import version

import chdb

print({name: version(name) for name in ("chdb",)}, chdb.query("SELECT version()").bytes().decode().strip())
tables = "(SELECT * FROM values('clip Int32', 1, 2, 3)) AS clips LEFT JOIN " + (
    "(SELECT * FROM values('clip Int32, p_safe Float64, who String', (1, 0.9, 'ann'))) AS labels USING clip"
)


def ask(columns, settings=""):
    return json.loads(chdb.query(f"SELECT {columns} FROM {tables} {settings}", "JSON").bytes())["data"]


joined = [(row["clip"], row["p_safe"], row["who"]) for row in ask("clip, p_safe, who", "ORDER BY clip")]
(mean,) = ask("avg(p_safe) AS mean, count(p_safe) AS labels")
(mean_with_nulls,) = ask("avg(p_safe) AS mean, count(p_safe) AS labels", "SETTINGS join_use_nulls = 1")
print("joined", joined, "aggregated", mean, "with nulls", mean_with_nulls)
assert joined == [(1, 0.9, "ann"), (2, 0, ""), (3, 0, "")], "the join no longer makes labels"
assert abs(mean["mean"] - 0.3) < 1e-9 and int(mean["labels"]) == 3, "made labels no longer count"
assert mean_with_nulls["mean"] == 0.9 and int(mean_with_nulls["labels"]) == 1, "the way round fails"
PY
