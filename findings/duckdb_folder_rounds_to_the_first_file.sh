#!/usr/bin/env bash
# DuckDB rounds the fractions of later Parquet files when the first file's column holds integers.
#
# Versions: duckdb 2.0.0, pyarrow 26.0.1.
# One would guess: the common type (double), or an error, as Polars and pyarrow raise for these files.
# What happens: `'folder/*.parquet'` takes every column's type from the first file by name and casts the
#   other files to it. Doubles are rounded to integers, without a warning.
# Seen: costs 0 and 1 in a.parquet, 0.4 and 0.6 in b.parquet. The query gives 0, 1, 0, 1.
# Why it matters: one episode a file, and an episode whose costs (or soft labels) are all 0 or 1 is often
#   stored as integers. Sums of cost change, and which ones depends on the name of the first file.
# Way round: `read_parquet('folder/*.parquet', union_by_name=true)`, or one schema for all writers.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq duckdb==2.0.0 pyarrow==26.0.1
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

print({name: version(name) for name in ("duckdb", "pyarrow")})
pq.write_table(pa.table({"cost": [0, 1]}), "a.parquet")
pq.write_table(pa.table({"cost": [0.4, 0.6]}), "b.parquet")
rounded = duckdb.sql("select cost from '*.parquet'")
print(rounded.types, rounded.fetchall())
assert rounded.types == ["BIGINT"], "the first file's type is no longer taken"
assert [cost for (cost,) in rounded.fetchall()] == [0, 1, 0, 1], "the fractions are no longer rounded"

common = duckdb.sql("select cost from read_parquet('*.parquet', union_by_name=true)").fetchall()
print("union_by_name", common)
assert [cost for (cost,) in common] == [0.0, 1.0, 0.4, 0.6], "the way round fails"
PY
