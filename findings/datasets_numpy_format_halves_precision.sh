#!/usr/bin/env bash
# Hugging Face datasets in "numpy" format hands out float32 for a float64 column, by the batch only.
#
# Versions: datasets 5.2.0, numpy 2.4.6.
# One would guess: a column declared float64 comes out as float64, as int64 comes out as int64.
# What happens: the NumPy formatter casts floats to float32 where it returns an array (a slice, a whole
#   column). One row gives the exact float64. No warning; `features` still says float64.
# Seen: time stamps 1727870000.123456 and ...133456 are 0.01 s apart row by row, and equal in a batch.
# Why it matters: time stamps in seconds since 1970 have a step of 128 s in float32. Whole clips of a log
#   get one time, windows cut by time are empty or too long, and a check on single rows passes.
# Way round: `with_format("numpy", dtype=np.float64)`, or the "arrow" format.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq datasets==5.2.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from datasets import Dataset

print({name: version(name) for name in ("datasets", "numpy")})
times = [1727870000.123456, 1727870000.133456]
data = Dataset.from_dict({"time": times})
assert data.features["time"].dtype == "float64"
arrays = data.with_format("numpy")
row, batch = arrays[0]["time"], arrays[:2]["time"]
print("row", row.dtype, float(row), "batch", batch.dtype, batch.astype(float).tolist())
assert row == times[0] and row.dtype == np.float64, "a single row is no longer exact"
assert batch.dtype == np.float32, "the batch is no longer float32"
assert batch[0] == batch[1] and np.spacing(batch[0]) == 128.0, "the times are no longer equal"

exact = data.with_format("numpy", dtype=np.float64)[:2]["time"]
assert exact.tolist() == times, "the way round fails"
PY
