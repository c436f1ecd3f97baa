#!/usr/bin/env bash
# Polars' `upsample` drops rows beside the grid: a log that ticks 10 ms late keeps the first of its four rows.
#
# Versions: polars 2.1.0, numpy 2.4.6.
# One would guess: upsampling adds rows. What was measured between two points of the grid stays, or goes to the next one.
# What happens: the grid begins at the first time stamp, and rows are joined to it by equal times. All others are gone.
#   Filled forward, as the documentation shows, the grid has values at every point.
# Seen: costs 1, 2, 3, 4 at 0, 1.01, 2.02 and 2.99 s, every second: 1, missing, missing; filled, 1, 1, 1. A crash of cost
#   25 at 1.5 s, in five rows of which four are on the grid: four rows, and no cost. No warning.
# Why it matters: clocks of sensors are never exact. A drive looks whole after it, and what it cost is not there.
# Way round: join the log to a grid with `join_asof`, or `group_by_dynamic(...).agg(...)` with sums of costs.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq polars==2.1.0 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from datetime import datetime, timedelta
from importlib.metadata import version

import numpy as np
import polars as pl

print({name: version(name) for name in ("polars", "numpy")})
BEGIN = datetime(2026, 1, 1)


def log(seconds, costs):
    return pl.DataFrame({"time": [BEGIN + timedelta(seconds=second) for second in seconds], "cost": costs})


def upsampled(table):
    rows = table.upsample("time", every="1s")
    filled = rows.fill_null(strategy="forward")
    print(table["cost"].to_list(), "->", rows["cost"].to_list(), "filled", filled["cost"].to_list())
    return rows["cost"].to_list(), filled["cost"].to_list()


late = [0.0, 1.01, 2.02, 2.99]
rows, filled = upsampled(log(late, [1.0, 2.0, 3.0, 4.0]))
assert rows == [1.0, None, None] and filled == [1.0, 1.0, 1.0], "rows beside the grid are kept now"
on_time, _ = upsampled(log([0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0]))
assert on_time == [1.0, 2.0, 3.0, 4.0], "rows on the grid are lost"

drive = log([0.0, 1.0, 1.5, 2.0, 3.0], [0.0, 0.0, 25.0, 0.0, 0.0])
rows, _ = upsampled(drive)
assert rows == [0.0] * 4 and drive["cost"].sum() == 25.0, "the crash is there"

# By hand: the last value at or before each point of the grid
grid = log(range(4), [0.0] * 4).select("time")
held = grid.join_asof(log(late, [1.0, 2.0, 3.0, 4.0]), on="time")["cost"].to_list()
last = np.searchsorted(late, np.arange(4), side="right") - 1
print("join_asof", held)
assert held == [float(row + 1) for row in last] == [1.0, 1.0, 2.0, 4.0]
sums = drive.group_by_dynamic("time", every="1s").agg(pl.col("cost").sum())["cost"].to_list()
print("sums of a second", sums)
assert sum(sums) == 25.0
PY
