#!/usr/bin/env bash
# LanceDB stores no cost for any of 100 steps of a list when the first step has none, though the table has the column.
#
# Versions: lancedb 0.40.0, pyarrow 26.0.1, numpy 2.4.6.
# One would guess: a table with the columns `step` and `cost` takes from each record what it has: only a record
#   without a cost is stored without one.
# What happens: the keys of the first record of a list are those of all. What later records hold besides is dropped,
#   and the column is filled with null. No error or warning. `create_table` of such a list has no such column at all.
# Seen: step 0 has no cost, and steps 1 to 99 have 0.25 each. The table holds 100 rows and no cost. With step 0 at the
#   end of the same list it holds 99 costs, sum 24.75. A misspelled key in the first record is refused.
# Why it matters: a reset has an observation and no cost, so the first record of an episode often lacks the key. The
#   sum of the costs is then null or 0, and every episode is within its limit.
# Way round: `pyarrow.Table.from_pylist(steps, schema=table.schema)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq lancedb==0.40.0 pyarrow==26.0.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import lancedb
import pyarrow

print({name: version(name) for name in ("lancedb", "pyarrow", "numpy")})
schema = pyarrow.schema([("step", pyarrow.int64()), ("cost", pyarrow.float64())])
steps = [{"step": 0}] + [{"step": step, "cost": 0.25} for step in range(1, 100)]
given = [step["cost"] for step in steps if "cost" in step]
assert len(given) == 99 and sum(given) == 24.75
database = lancedb.connect("drives")


def stored(name, records):
    table = database.create_table(name, schema=schema)
    table.add(records)
    costs = {row["step"]: row["cost"] for row in table.to_arrow().to_pylist()}
    there = [cost for cost in costs.values() if cost is not None]
    return len(costs), len(there), sum(there)


first, last = stored("first", steps), stored("last", steps[1:] + steps[:1])
print("rows, costs and their sum: step 0 first", first, "and step 0 last", last)
assert first == (100, 0, 0), "costs that the first record lacks are stored now"
assert last == (100, 99, 24.75), "costs that the last record lacks are lost too"
made = database.create_table("made", steps)
print("create_table without a schema has the columns", made.schema.names)
assert made.schema.names == ["step"], "create_table looks at all records now"
try:
    database.open_table("first").add([{"step": 0, "costs": 0.25}])
except Exception as error:
    print("a misspelled key in the first record:", type(error).__name__)
else:
    raise SystemExit("a misspelled key is taken now")
whole = stored("whole", pyarrow.Table.from_pylist(steps, schema=schema))
assert whole == (100, 99, 24.75), "the way round fails"
PY
