#!/usr/bin/env bash
# Polars drops what only later rows have: a list of dicts loses the key "crash" of row 101, and its cost of 0.75 is 0.
#
# Versions: polars 2.1.0, pandas 3.1.1, numpy 2.4.6.
# One would guess: all keys become columns, as in pandas, and a value that does not fit raises an error.
# What happens: columns and types come from the first 100 rows. Keys that come later are left out. A fraction in a column
#   of whole numbers is cut, and in one of booleans it becomes False. The number of rows is documented.
# Seen: 100 steps with a cost of 0, and one with {"cost": 0.75, "crash": True}. The table has no column "crash", and its
#   largest cost is 0. A label of 0.9 after 100 times True is False. After 99 rows all is kept.
# Why it matters: `info` dicts of simulators have such keys, in the step of the crash only. The log of an accident is one
#   without it. JSON lines with the same rows raise an error.
# Way round: `polars.DataFrame(rows, infer_schema_length=None)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq polars==2.1.0 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
import io
import json
from importlib.metadata import version

import pandas as pd
import polars as pl

print({name: version(name) for name in ("polars", "pandas", "numpy")})


def log(steps):
    return [{"step": step, "cost": 0} for step in range(steps)] + [{"step": steps, "cost": 0.75, "crash": True}]


for make in (pl.DataFrame, pl.from_dicts):
    table = make(log(100))
    print(make.__name__, dict(table.schema), table.tail(1).to_dicts())
    assert table.columns == ["step", "cost"] and table["cost"].max() == 0, "the crash is kept now"
    for kept in (make(log(99)), make(log(100), infer_schema_length=None)):
        assert kept.tail(1).to_dicts()[0].items() >= {"cost": 0.75, "crash": True}.items(), "the way round fails"
labels = pl.DataFrame([{"safe": True}] * 100 + [{"safe": 0.9}])["safe"]
print("label", labels[-1])
assert labels[-1] is False, "labels are kept now"
assert pd.DataFrame(log(100)).iloc[-1][["cost", "crash"]].tolist() == [0.75, True], "pandas reads otherwise"
try:
    pl.read_ndjson(io.StringIO("\n".join(map(json.dumps, log(100)))), infer_schema_length=100)
except pl.exceptions.ComputeError as error:
    print("JSON lines:", str(error).splitlines()[0])
else:
    raise AssertionError("JSON lines are read now")
PY
