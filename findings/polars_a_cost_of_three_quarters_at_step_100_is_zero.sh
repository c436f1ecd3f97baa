#!/usr/bin/env bash
# Polars turns a cost of .75 into 0, or leaves the cost out, when it first comes after 100 rows.
#
# Versions: polars 2.1.0, pyarrow 26.0.1, pandas 3.1.1, numpy 2.4.6.
# One would guess: a table of dictionaries has all their keys and values, or an error says what does not fit.
# What happens: Polars looks at 100 rows for names and types. What comes later and is not among the names is left out,
#   and fractions are cut to integers. PyArrow's `from_pylist` takes the names of the first row only, and the types of
#   all. pandas takes everything.
# Seen: 100 steps with the cost 0 and one with .75: the last is 0 in Polars, .75 in PyArrow. Crash speeds from the 101st
#   step on: no such column in Polars; from the second on: none in PyArrow. No warning in either.
# Why it matters: `info` dictionaries of safe drives begin with whole numbers and without an accident. The longer a
#   policy drives safely, the surer its first accident is lost.
# Way round: `pl.DataFrame(rows, infer_schema_length=None)`; a schema for PyArrow.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq polars==2.1.0 pyarrow==26.0.1 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

print({name: version(name) for name in ("polars", "pyarrow", "pandas", "numpy")})


def all_rows(rows):
    return pl.DataFrame(rows, infer_schema_length=None)


READERS = {"polars": pl.DataFrame, "polars, all": all_rows, "pyarrow": pa.Table.from_pylist, "pandas": pd.DataFrame}


def last(rows, name):
    """The value of a column in the last row, or None without such a column, by reader."""
    seen = {}
    for reader, read in READERS.items():
        table = read(rows)
        names = table.column_names if reader == "pyarrow" else table.columns
        values = table[name] if name in names else None
        seen[reader] = None if values is None else float(np.asarray(values)[-1])
    print(len(rows), "rows,", name, seen)
    return seen


for safe in (99, 100):
    costs = last([{"cost": 0}] * safe + [{"cost": 0.75}], "cost")
    drive = [{"step": step} for step in range(safe)]
    speeds = last([*drive, {"step": safe, "crash_speed": 9.5}], "crash_speed")
    assert costs["pyarrow"] == costs["pandas"] == costs["polars, all"] == 0.75, "a cost is another"
    assert speeds["pandas"] == speeds["polars, all"] == 9.5 and speeds["pyarrow"] is None, "a column is another"
    expected = (0.75, 9.5) if safe == 99 else (0, None)
    assert (costs["polars"], speeds["polars"]) == expected, "Polars looks at other rows now"
assert last([{"step": 0}, {"step": 1, "crash_speed": 9.5}], "crash_speed")["pyarrow"] is None
PY
