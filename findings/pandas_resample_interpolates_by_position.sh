#!/usr/bin/env bash
# pandas `resample(...).interpolate()` and Polars `interpolate` ignore the time stamps.
#
# Versions: pandas 3.1.1, polars 2.1.0, numpy 2.4.6.
# One would guess: resampling to 100 ms with linear interpolation draws lines between the samples in time.
# What happens: old and new times are merged, and gaps are filled as if all rows were equally far apart.
#   No warning. On a log without jitter the result is right, so a first test passes.
# Seen: a sensor whose value is its own time, read at 0, 110, 190 and 310 ms. At 0, 100, 200 and 300 ms
#   it must be 0, 100, 200, 300. Both libraries give 0, 55, 230, 270.
# Why it matters: this is the usual way to bring topics of a robot to one clock. Positions are off by
#   half a step, and speeds made from them by more; unsafe moments move.
# Way round: pandas `interpolate("time")`; Polars `interpolate_by("time")`; or `numpy.interp`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pandas==3.1.1 polars==2.1.0 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
import polars as pl

print({name: version(name) for name in ("pandas", "polars", "numpy")})
jittered, clock = [0, 110, 190, 310], [0, 100, 200, 300]


def by_pandas(times, *method):
    log = pd.Series(np.array(times, float), index=pd.to_datetime(times, unit="ms"))
    return log.resample("100ms").interpolate(*method).tolist()[:4]


def by_polars(times, filled):
    log = pl.DataFrame({"time": times, "value": np.array(times, float)})
    joint = log.join(pl.DataFrame({"time": clock}), on="time", how="full", coalesce=True).sort("time")
    return joint.with_columns(filled).filter(pl.col("time").is_in(clock))["value"].to_list()


value = pl.col("value")
print("right:", clock, "pandas:", by_pandas(jittered), "polars:", by_polars(jittered, value.interpolate()))
assert by_pandas(jittered) == [0, 55, 230, 270], "pandas interpolates otherwise now"
assert by_polars(jittered, value.interpolate()) == [0, 55, 230, 270], "polars interpolates otherwise now"
assert by_pandas([0, 50, 100, 150, 200, 250, 300]) == clock
assert by_pandas(jittered, "time") == clock, "the way round fails"
assert by_polars(jittered, value.interpolate_by("time")) == clock, "the way round fails"
assert np.interp(clock, jittered, jittered).tolist() == clock
PY
