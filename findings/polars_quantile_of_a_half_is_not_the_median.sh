#!/usr/bin/env bash
# In Polars and DuckDB the quantile 0.5 is not the median, and `describe` prints the wrong one.
#
# Versions: polars 2.1.0, duckdb 2.0.0, pyarrow 26.0.1, numpy 2.4.6.
# One would guess: `quantile(0.5) == median()`, linear between neighbours as in NumPy and pandas.
# What happens: Polars' default takes the nearest value and rounds up in the middle; DuckDB's `quantile`
#   takes the lower one. Their medians average.
# Seen: of 1, 2, 3, 4: NumPy 2.5; Polars `quantile` and the "50%" of `describe` 3, `median` 2.5; DuckDB
#   `quantile` 2, `median` 2.5.
# Why it matters: costs of evaluation episodes are few and lie far apart. A limit tested by a quantile
#   passes in one library and fails in the other.
# Way round: `quantile(q, interpolation="linear")`; `quantile_cont` in DuckDB.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq polars==2.1.0 duckdb==2.0.0 pyarrow==26.0.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import duckdb
import numpy as np
import polars as pl

print({name: version(name) for name in ("polars", "duckdb", "pyarrow", "numpy")})
costs = pl.DataFrame({"cost": [1.0, 2.0, 3.0, 4.0]})
column = costs["cost"]
described = column.describe().filter(pl.col("statistic") == "50%")["value"].item()
lower, middle, linear = duckdb.sql(
    "select quantile(cost, 0.5), median(cost), quantile_cont(cost, 0.5) from costs"
).fetchall()[0]
print("Polars", column.quantile(0.5), described, column.median(), "DuckDB", lower, middle)
assert column.quantile(0.5) == float(described) == 3.0, "Polars no longer takes the upper value"
assert lower == 2.0, "DuckDB no longer takes the lower value"
assert column.median() == middle == np.quantile(column, 0.5) == 2.5
assert column.quantile(0.5, interpolation="linear") == linear == 2.5, "the way round fails"
PY
