#!/usr/bin/env bash
# Polars gives -4 for the sum of four large int32 numbers, and the right sum for int8 and int16.
#
# Versions: polars 2.1.0, pandas 3.1.1 and duckdb 2.0.0 (to compare), pyarrow 26.0.1, numpy 2.4.6.
# One would guess: int64, since the narrower types are summed in int64, as in NumPy, pandas and DuckDB.
# What happens: int8 and int16 are widened, int32 is not, in `sum`, `cum_sum` and `group_by`. The sum wraps
#   around without an error.
# Seen: 2147483647 four times: Polars -4, pandas and DuckDB 8589934588. `mean` is right.
# Why it matters: ticks, microseconds between steps and counts of an encoder are int32. Two thousand seconds in
#   microseconds are enough for a negative time since the start.
# Way round: `.cast(pl.Int64)` before summing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq polars==2.1.0 pandas==3.1.1 duckdb==2.0.0 pyarrow==26.0.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import duckdb
import numpy as np
import pandas as pd
import polars as pl

print({name: version(name) for name in ("polars", "pandas", "duckdb", "pyarrow", "numpy")})
numbers = np.full(4, 2**31 - 1, np.int32)
column = pl.Series("ticks", numbers)
table_ = pl.DataFrame({"episode": [0] * 4, "ticks": column})
grouped = table_.group_by("episode").agg(pl.col("ticks").sum())["ticks"].item()
in_duckdb = int(duckdb.sql("select sum(ticks) from table_").fetchall()[0][0])
print("Polars", column.sum(), grouped, column.cum_sum().to_list(), "pandas", pd.Series(numbers).sum(), "DuckDB", in_duckdb)
assert column.sum() == grouped == -4, "sums of int32 no longer wrap around"
assert column.cum_sum()[1] == -2, "running sums no longer wrap around"
assert pl.Series(np.full(400, 100, np.int8)).sum() == 40_000, "int8 is no longer widened"
assert pd.Series(numbers).sum() == in_duckdb == 4 * (2**31 - 1)
assert column.cast(pl.Int64).sum() == 4 * (2**31 - 1), "the way round fails"
PY
