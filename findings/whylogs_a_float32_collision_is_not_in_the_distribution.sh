#!/usr/bin/env bash
# whylogs leaves every float32 out of a column's distribution when rows are logged one by one, and gives a mean of 0.
#
# Versions: whylogs 1.6.4, pandas 2.3.3, numpy 1.26.4.
# One would guess: a NumPy number counts as a number, or as missing, in rows as in tables.
# What happens: in a row, float32 and float16 are of type "object": they count for `counts/n`, and for neither the
#   distribution nor `counts/null`. Integers of all widths and float64 count, and so do float32 columns of a table.
# Seen: costs 0, 0 and 50 as float32, logged step by step: three values, none missing, a distribution of 0 values, mean
#   0.0. As Python floats, or as a table: a mean of 16.7. With the 50 only as float32: mean 0, maximum 0.
# Why it matters: observations and rewards of Gymnasium are float32, and an agent in use is logged step by step. Its
#   profile shows a mean of 0, and an alarm on the maximum of the cost never goes off.
# Way round: log `float(value)`, and compare `distribution/n` with `counts/n`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq whylogs==1.6.4 pandas==2.3.3 numpy==1.26.4
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas
from whylogs.core import DatasetProfile

print({name: version(name) for name in ("whylogs", "pandas", "numpy")})


def profile(*logged):
    """Values, missing ones, values in the distribution, their mean and maximum."""
    seen = DatasetProfile()
    for one in logged:
        seen.track(one)
    column = seen.view().to_pandas().loc["cost"]
    names = ("counts/n", "counts/null", "distribution/n", "distribution/mean", "distribution/max")
    return [float(column[name]) for name in names]


costs = [0, 0, 50]
mixed = profile({"cost": 0.0}, {"cost": 0.0}, {"cost": np.float32(50)})
table = profile(pandas.DataFrame({"cost": np.array(costs, np.float32)}))
kinds = {kind.__name__: profile(*({"cost": kind(cost)} for cost in costs)) for kind in (float, np.int8, np.float64)}
small = {kind.__name__: profile(*({"cost": kind(cost)} for cost in costs)) for kind in (np.float32, np.float16)}
print("rows", kinds, small, "table of float32", table, "one float32", mixed, sep="\n")
for found in (table, *kinds.values()):
    assert found[:3] == [3, 0, 3] and round(found[3], 1) == 16.7 and found[4] == 50
for found in small.values():
    assert found[:4] == [3, 0, 0, 0], "float32 is in the distribution now"
assert mixed == [3, 0, 2, 0, 0], "float32 is in the distribution now"
PY
