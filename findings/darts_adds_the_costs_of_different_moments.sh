#!/usr/bin/env bash
# Darts multiplies the crashes of two robots at the same second to 0, because one log begins three seconds later.
#
# Versions: darts 0.41.0, pandas 3.1.1, numpy 2.4.6.
# One would guess: two time series are combined moment by moment, as pandas, xarray and Darts' own metrics do it.
# What happens: `+`, `-`, `*`, `/` and `>` combine the first value with the first, whatever the times are. The result
#   has the times of the left series. No error or warning. Even steps of 1 s and of 2 s are combined.
# Seen: `a` runs from 0 to 5 s and `b` from 3 to 8 s, both with a crash at 3 s. `a * b` is 0 everywhere, `a + b` has a
#   crash at 0 and one at 3 s, `b + a` at 3 and at 6 s. Darts' mean absolute error of the same two is 0.0.
# Why it matters: logs of two robots, or of costs and labels, seldom begin at the same moment. The sum of the costs is
#   right, so a check of it finds nothing, and the moments are wrong.
# Way round: `a.slice_intersect(b) * b.slice_intersect(a)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq darts==0.41.0 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
import logging
from importlib.metadata import version

import numpy as np
import pandas as pd

logging.disable(logging.WARNING)  # a word on PyTorch, which is not needed here
from darts import TimeSeries
from darts.metrics import mae

print({name: version(name) for name in ("darts", "pandas", "numpy")})
start = pd.Timestamp("2026-01-01 12:00:00")


def log(first, crash, step=1):
    times = pd.date_range(start + pd.Timedelta(seconds=first), periods=6, freq=f"{step}s")
    return pd.Series((times == start + pd.Timedelta(seconds=crash)).astype(float), index=times)


def crashes(series):
    times = series.time_index[series.values()[:, 0] != 0]
    return [int((time - start).total_seconds()) for time in times]


tables = log(0, 3), log(3, 3)
a, b = (TimeSeries.from_series(table) for table in tables)
assert crashes(a) == crashes(b) == [3]
seen = {"a * b": crashes(a * b), "a + b": crashes(a + b), "b + a": crashes(b + a)}
print("seconds with a crash:", seen, "mean absolute error:", mae(a, b))
assert seen == {"a * b": [], "a + b": [0, 3], "b + a": [3, 6]}, "times are looked at now"
assert mae(a, b) == 0, "the metrics do not look at times now"
both = (tables[0] * tables[1]).dropna()
assert both.sum() == 1 and both.idxmax() == start + pd.Timedelta(seconds=3), "pandas does not look at times now"
slow = TimeSeries.from_series(log(0, 4, step=2))
print("a + steps of 2 s with a crash at 4 s:", crashes(a + slow))
assert crashes(slow) == [4] and crashes(a + slow) == [2, 3], "steps of another length are not combined now"
assert crashes(a.slice_intersect(b) * b.slice_intersect(a)) == [3], "the way round fails"
PY
