#!/usr/bin/env bash
# Narwhals clips NaN to the upper limit when the table is Arrow's, and leaves it NaN in pandas and Polars.
#
# Versions: narwhals 2.29.0, pandas 3.1.1, polars 2.1.0, pyarrow 26.0.1, numpy 2.4.6.
# One would guess: one expression means one thing in all libraries, as that is what Narwhals is for.
# What happens: each library's own rules come through. Arrow's minimum of NaN and 25 is 25. Polars takes NaN for the
#   largest number. Arrow rounds halves away from zero and widens 8-bit integers, and the others do neither.
# Seen: costs 1, NaN, 30 after `clip(0, 25)`: 1, 25, 25 in Arrow, and 1, NaN, 25 in the others. `filter(cost > 2)` keeps
#   NaN in Polars only, and the median is 30 there. In Arrow 2.5 rounds to 3, and 50 - 100 in uint8 is -50, not 206.
# Why it matters: code that was tested with one library is run with another one by whoever calls it. A lost measurement
#   is then a cost at the limit, or an accident, by the type of the table.
# Way round: `fill_nan(None)` first: then all three agree on clip, filter and median. Cast small integers before.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq narwhals==2.29.0 pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version
from math import nan

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

print({name: version(name) for name in ("narwhals", "pandas", "polars", "pyarrow", "numpy")})
LIBRARIES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.table}


def everywhere(columns, change):
    """The column `x` after a change, by library, with what is missing as None."""
    seen = {}
    for library, table in LIBRARIES.items():
        values = change(nw.from_native(table(columns)))["x"].to_list()
        seen[library] = [None if value is None or value != value else float(value) for value in values]
    print(seen)
    return seen


costs = {"x": np.array([1.0, nan, 30.0])}
x = nw.col("x")
clipped = everywhere(costs, lambda table: table.select(x.clip(0, 25)))
assert clipped["pandas"] == clipped["polars"] == [1, None, 25]
assert clipped["arrow"] == [1, 25, 25], "Arrow clips otherwise now"
kept = everywhere(costs, lambda table: table.filter(x > 2))
assert kept == {"pandas": [30], "polars": [None, 30], "arrow": [30]}, "a filter is another now"
middle = everywhere(costs, lambda table: table.select(x.median()))
assert middle == {"pandas": [15.5], "polars": [30], "arrow": [15.5]}, "a median is another now"
rounded = everywhere({"x": np.array([0.5, 2.5])}, lambda table: table.select(x.round(0)))
assert rounded == {"pandas": [0, 2], "polars": [0, 2], "arrow": [1, 3]}, "halves are rounded otherwise now"
wrapped = everywhere({"x": np.array([50], "uint8")}, lambda table: table.select(x - 100))
assert wrapped == {"pandas": [206], "polars": [206], "arrow": [-50]}, "a difference is another now"

filled = [
    everywhere(costs, lambda table: table.with_columns(x.fill_nan(None)).select(x.clip(0, 25))),
    everywhere(costs, lambda table: table.with_columns(x.fill_nan(None)).filter(x > 2)),
    everywhere(costs, lambda table: table.with_columns(x.fill_nan(None)).select(x.median())),
]
assert all(seen["pandas"] == seen["polars"] == seen["arrow"] for seen in filled), "the way round fails"
PY
