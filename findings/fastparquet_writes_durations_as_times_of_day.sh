#!/usr/bin/env bash
# fastparquet writes a duration of 25 h so that pyarrow reads 01:00, and -1 s as 23:59:59.
#
# Versions: fastparquet 2026.9.0, pyarrow 26.0.1 and polars 2.1.0 (to compare), pandas 3.1.1, numpy 2.4.6.
# One would guess: a column of durations is a column of durations or of numbers in any reader.
# What happens: Parquet has no type for durations. fastparquet takes the type for the time of day in
#   microseconds and turns it back by a note for pandas. Other readers follow the type.
# Seen: 25 h, -1 s, 1.5 s and 500 ns: fastparquet reads the first three again and 0 for the last. pyarrow reads
#   01:00:00, 23:59:59, 00:00:01.5 and 00:00:00; Polars reads null for the first two.
# Why it matters: the time since the start of a run, or of a label before its event, is a duration. From one
#   day on, and below zero, the other reader's numbers are possible and wrong.
# Way round: `.dt.total_seconds()` or integers of nanoseconds before writing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq fastparquet==2026.9.0 pyarrow==26.0.1 polars==2.1.0 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import datetime

import fastparquet
import pandas as pd
import polars as pl
import pyarrow.parquet as pq

print({name: version(name) for name in ("fastparquet", "pyarrow", "polars", "pandas", "numpy")})
table = pd.DataFrame({"since": pd.to_timedelta([25 * 3600e9, -1e9, 1.5e9, 500], unit="ns")})
fastparquet.write("log.parquet", table)
own = fastparquet.ParquetFile("log.parquet").to_pandas()["since"].dt.total_seconds().tolist()
arrow = pq.read_table("log.parquet")["since"].to_pylist()
polars = pl.read_parquet("log.parquet")["since"].to_list()
print("fastparquet", own, "pyarrow", arrow, "Polars", polars)
assert own == [90_000, -1, 1.5, 0], "nanoseconds are no longer cut"
time = datetime.time
assert arrow == [time(1), time(23, 59, 59), time(0, 0, 1, 500_000), time(0)], "pyarrow no longer reads times of day"
assert polars[:2] == [None, None] and polars[2] == time(0, 0, 1, 500_000), "Polars no longer reads null"
fastparquet.write("seconds.parquet", table["since"].dt.total_seconds().to_frame())
assert pq.read_table("seconds.parquet")["since"].to_pylist() == [90_000, -1, 1.5, 5e-7], "the way round fails"
PY
