#!/usr/bin/env bash
# DuckDB and Polars count an unlabelled clip (NaN) as safer than any threshold.
#
# Versions: duckdb 2.0.0, polars 2.1.0, pyarrow 26.0.1, numpy 2.4.6.
# One would guess: `p_safe >= 0.9` is false for NaN, as in NumPy, pandas and SQLite.
# What happens: both order NaN above all numbers, infinity included, so that sorting and comparing agree.
#   DuckDB turns NaN of pandas and NumPy to null on the way in, but not of Arrow, Polars and Parquet.
# Seen: p_safe 0.95, 0.2, NaN. `where p_safe >= 0.9` gives clips 0 and 2 in DuckDB and in Polars.
#   The largest value is nan in DuckDB and 0.95 in Polars.
# Why it matters: NaN is the usual mark of "not labelled". Selecting the safe clips selects all those
#   that nobody has seen.
# Way round: turn NaN to null first: `fill_nan(None)` in Polars, `nullif(p_safe, 'nan')` in DuckDB.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq duckdb==2.0.0 polars==2.1.0 pyarrow==26.0.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

print({name: version(name) for name in ("duckdb", "polars", "pyarrow", "numpy")})
labels = pa.table({"clip": np.arange(3), "p_safe": np.array([0.95, 0.2, np.nan])})
frame = pl.from_arrow(labels)
by_sql = [clip for (clip,) in duckdb.sql("select clip from labels where p_safe >= 0.9").fetchall()]
by_polars = frame.filter(pl.col("p_safe") >= 0.9)["clip"].to_list()
largest = duckdb.sql("select max(p_safe) from labels").fetchall()[0][0]
print("DuckDB", by_sql, "Polars", by_polars, "largest", largest, frame["p_safe"].max())
assert by_sql == [0, 2], "DuckDB no longer selects NaN"
assert by_polars == [0, 2], "Polars no longer selects NaN"
assert np.isnan(largest) and frame["p_safe"].max() == 0.95, "the largest values have changed"

assert frame.filter(pl.col("p_safe").fill_nan(None) >= 0.9)["clip"].to_list() == [0], "the way round fails (Polars)"
kept = duckdb.sql("select clip from labels where nullif(p_safe, 'nan') >= 0.9").fetchall()
assert kept == [(0,)], "the way round fails (DuckDB)"
PY
