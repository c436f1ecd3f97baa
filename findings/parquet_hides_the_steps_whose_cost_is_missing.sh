#!/usr/bin/env bash
# pyarrow and DuckDB do not find the NaN in a Parquet file that pandas and Polars find.
#
# Versions: pyarrow 26.0.1, duckdb 2.0.0, polars 2.1.0, pandas 3.1.1, numpy 2.4.6.
# One would guess: a filter gives the same rows from a file as from the same table in memory.
# What happens: a Parquet file names the smallest and the largest value of each row group, and leaves NaN out of them.
#   pyarrow and DuckDB skip row groups by these two numbers, as if they bounded NaN too. Polars does not.
# Seen: 1,000 costs of 0, one of them NaN, in a file by pyarrow. `is_nan(cost)` finds 0 rows in pyarrow and DuckDB, and
#   1 in memory; so does `cost != 0`. DuckDB, for which NaN is larger than all numbers, says that the largest cost
#   is 0. `pandas.read_parquet(filters=...)` asks pyarrow, and finds 0 too. With costs of 0 to 9 pyarrow finds it,
#   DuckDB does not.
# Why it matters: a search for failed sensors or missing costs reports none, and the data passes as clean. With other
#   values in the same group it finds them, so the check seemed to work when it was tried.
# Way round: store missing values as null, or read first and filter in memory.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pyarrow==26.0.1 duckdb==2.0.0 polars==2.1.0 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

print({name: version(name) for name in ("pyarrow", "duckdb", "polars", "pandas", "numpy")})
cost = pc.field("cost")


def rows(values):
    values = values.astype(float)
    values[500] = np.nan
    table = pa.table({"cost": values})
    pq.write_table(table, "costs.parquet")
    file = ds.dataset("costs.parquet")
    found = {}
    for name, place in (("memory", ds.dataset(table)), ("file", file)):
        found["pyarrow", name] = [place.to_table(filter=rule).num_rows for rule in (pc.is_nan(cost), cost != 0)]
    for name, place in (("memory", "in_memory"), ("file", "'costs.parquet'")):
        connection = duckdb.connect()
        connection.register("given", table)
        connection.execute("create table in_memory as select * from given")
        queries = f"select count(*) from {place} where isnan(cost)", f"select max(cost) from {place}"
        found["duckdb", name] = [connection.sql(query).fetchall()[0][0] for query in queries]
    found["polars", "file"] = pl.scan_parquet("costs.parquet").filter(pl.col("cost").is_nan()).collect().height
    found["pandas", "filters"] = len(pd.read_parquet("costs.parquet", filters=[("cost", "!=", 0)]))
    found["pandas", "then filter"] = int((pd.read_parquet("costs.parquet").cost != 0).sum())
    return found


alike, varied = rows(np.zeros(1000)), rows(np.arange(1000) % 10)
print("costs of 0 and one NaN:", alike, "\ncosts of 0 to 9 and one NaN:", varied)
assert alike["pyarrow", "memory"] == [1, 1] and alike["pyarrow", "file"] == [0, 0], "pyarrow finds NaN in files now"
assert varied["pyarrow", "file"][0] == 1
assert alike["duckdb", "memory"][0] == 1 and np.isnan(alike["duckdb", "memory"][1])
assert alike["duckdb", "file"] == [0, 0.0], "DuckDB finds NaN in files now"
assert alike["polars", "file"] == 1 and alike["pandas", "filters"] == 0 and alike["pandas", "then filter"] == 1
PY
