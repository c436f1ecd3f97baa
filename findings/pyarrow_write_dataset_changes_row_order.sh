#!/usr/bin/env bash
# A table written as a Parquet folder by pyarrow comes back with its rows in another order.
#
# Versions: pyarrow 26.0.1, pandas 3.1.1, numpy 2.4.6.
# One would guess: reading a folder that one `write_dataset` made gives the rows in the order written.
# What happens: files are named part-0, part-1, ..., part-10 and read by name as text: part-10 comes before
#   part-2. pandas `to_parquet(partition_cols=...)` has the same effect: "ep=10" before "ep=2".
# Seen: 1,200 steps in 12 files. After step 199 comes step 1000. With up to ten files the order is kept.
# Why it matters: order is time. Next observations are taken from the next row, and segments are named by
#   (episode, start): both point elsewhere in a log long enough for eleven files.
# Way round: `basename_template` cannot pad, so keep a column with the step and sort by it after reading.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pyarrow==26.0.1 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

print({name: version(name) for name in ("pyarrow", "pandas", "numpy")})
def read_back(folder, steps):
    table = pa.table({"step": np.arange(steps)})
    ds.write_dataset(table, folder, format="parquet", max_rows_per_file=100, max_rows_per_group=100, use_threads=False)
    return ds.dataset(folder).to_table()["step"].to_numpy()


ten, twelve = read_back("ten", 1000), read_back("twelve", 1200)
jumps = [(int(twelve[i]), int(twelve[i + 1])) for i in np.flatnonzero(np.diff(twelve) != 1)]
print("twelve files, jumps:", jumps)
assert np.array_equal(ten, np.arange(1000)), "the order of ten files is no longer kept"
assert jumps == [(199, 1000), (1199, 200)], "the order of twelve files has changed"
assert np.array_equal(np.sort(twelve), np.arange(1200)), "the way round fails"

pd.DataFrame({"ep": np.arange(12), "step": np.arange(12)}).to_parquet("pandas", partition_cols=["ep"])
order = pd.read_parquet("pandas")["step"].tolist()
print("pandas", order)
assert order == [0, 1, 10, 11, *range(2, 10)], "the order of pandas' partitions has changed"
PY
