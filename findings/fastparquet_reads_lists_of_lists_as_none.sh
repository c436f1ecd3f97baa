#!/usr/bin/env bash
# fastparquet reads a column of lists of lists as None in every row.
#
# Versions: fastparquet 2026.9.0, pyarrow 26.0.1, pandas 3.1.1, numpy 2.4.6.
# One would guess: nested lists, as for a plain list, or an error.
# What happens: a column of lists of numbers is read. One level deeper all rows are None, without a warning;
#   `isna` and `count` then say that nothing was recorded. Half-precision numbers come as two bytes each.
# Seen: [[1, 2], [3, 4]] and [[5, 6]]: None, None. The float16 1.5: the bytes 00 3e.
# Why it matters: a chunk of actions, a window of observations or a small image is a list of lists in the
#   Parquet files of robot data sets. pandas chooses fastparquet where pyarrow is not installed.
# Way round: `engine="pyarrow"`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq fastparquet==2026.9.0 pyarrow==26.0.1 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

print({name: version(name) for name in ("fastparquet", "pyarrow", "pandas", "numpy")})
chunks = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]]
half = pa.array(np.array([1.5, 2.0], np.float16))
pq.write_table(pa.table({"state": [[1.0, 2.0], [3.0]], "chunk": chunks, "half": half}), "log.parquet")
read = pd.read_parquet("log.parquet", engine="fastparquet")
print(read.to_dict("list"), "recorded", read.count().to_dict())
assert [list(row) for row in read["state"]] == [[1, 2], [3]], "plain lists have changed"
assert read["chunk"].tolist() == [None, None] and read["chunk"].count() == 0, "lists of lists are no longer None"
assert read["half"].tolist()[0] == np.float16(1.5).tobytes(), "float16 is no longer bytes"
again = pd.read_parquet("log.parquet", engine="pyarrow")
assert [[list(step) for step in row] for row in again["chunk"]] == chunks, "the way round fails"
assert again["half"].tolist() == [1.5, 2]
PY
