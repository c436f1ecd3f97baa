#!/usr/bin/env bash
# traja gives a robot that drives 10 m/s a speed of 10,000 m/s when its time stamps are in microseconds.
#
# Versions: traja 25.0.1, pandas 2.3.3, pyarrow 26.0.1, scikit-learn 1.9.1, scipy 1.14.1, numpy 2.1.3.
# One would guess: a speed does not depend on the unit in which pandas stores a moment.
# What happens: the whole number behind each moment is divided by a billion, as if it counted nanoseconds. Parquet
#   files hold moments in microseconds or milliseconds mostly, and pandas keeps that unit. Not documented.
# Seen: a track at 10 m/s, written as Parquet. In nanoseconds its speed is 10, in microseconds 10,000, in milliseconds
#   10,000,000. The distance is right each time.
# Why it matters: one log passes a speed limit and the other breaks it at every step, by the writer of the file. Costs
#   for speed follow.
# Way round: `frame["time"] = frame["time"].astype("datetime64[ns]")`, or seconds as floats.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq traja==25.0.1 pandas==2.3.3 pyarrow==26.0.1 scikit-learn==1.9.1 scipy==1.14.1 numpy==2.1.3
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
import pyarrow
import traja
from pyarrow import parquet

print({name: version(name) for name in ("traja", "pandas", "pyarrow", "numpy")})
start = 1_700_000_000


def speed(unit, repair=False):
    moments = pyarrow.array(np.arange(start, start + 10).astype("datetime64[s]")).cast(pyarrow.timestamp(unit))
    parquet.write_table(pyarrow.table({"x": np.arange(10) * 10.0, "y": np.zeros(10), "time": moments}), "log.parquet")
    log = pd.read_parquet("log.parquet")
    if repair:
        log["time"] = log["time"].astype("datetime64[ns]")
    track = traja.TrajaDataFrame(log)
    found = float(traja.get_derivatives(track)["speed"].mean())
    print(log["time"].dtype, "speed", round(found, 3), "metres", traja.length(track))
    return found


assert np.isclose(speed("ns"), 10)
assert np.isclose(speed("us"), 10_000), "the speed in microseconds has changed"
assert np.isclose(speed("ms"), 10_000_000), "the speed in milliseconds has changed"
assert np.isclose(speed("us", repair=True), 10), "the way round fails"
PY
