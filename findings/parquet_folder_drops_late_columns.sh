#!/usr/bin/env bash
# pyarrow, pandas and DuckDB drop a column of a Parquet folder that the first file does not have.
#
# Versions: pyarrow 26.0.1, pandas 3.1.1, duckdb 2.0.0.
# One would guess: the union of the columns with nulls, or an error (Polars and datasets raise one).
# What happens: the schema of the first file by name is the schema of the folder. Further columns of later
#   files are not read, without a warning.
# Seen: a.parquet has "speed", b.parquet has "speed" and "cost". All three give three rows of "speed" alone.
# Why it matters: logs of one robot get a new column (cost, a label) from some day on. The folder then
#   looks as if it had none. With the files named in another order the column is there.
# Way round: in pyarrow `unify_schemas` over the files; in DuckDB `union_by_name=true`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pyarrow==26.0.1 pandas==3.1.1 duckdb==2.0.0
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

print({name: version(name) for name in ("pyarrow", "pandas", "duckdb")})
pq.write_table(pa.table({"speed": [1.0, 2.0]}), "a.parquet")
pq.write_table(pa.table({"speed": [3.0], "cost": [1.0]}), "b.parquet")
files = ["a.parquet", "b.parquet"]
columns = {
    "pyarrow": ds.dataset(files).to_table().column_names,
    "pandas": list(pd.read_parquet(files).columns),
    "duckdb": duckdb.sql("select * from '*.parquet'").columns,
}
print(columns)
assert all(found == ["speed"] for found in columns.values()), "the late column is no longer dropped"
assert list(pd.read_parquet(files[::-1]).columns) == ["speed", "cost"], "the order of files no longer matters"

schema = pa.unify_schemas([pq.read_schema(file) for file in files])
whole = ds.dataset(files, schema=schema).to_table().to_pydict()
assert whole == {"speed": [1.0, 2.0, 3.0], "cost": [None, None, 1.0]}, "the way round fails (pyarrow)"
joined = duckdb.sql("select * from read_parquet('*.parquet', union_by_name=true)").columns
assert joined == ["speed", "cost"], "the way round fails (DuckDB)"
PY
