#!/usr/bin/env bash
# pandas `groupby(...).first()` builds a row out of several rows when values are missing.
#
# Versions: pandas 3.1.1, numpy 2.4.6.
# One would guess: the first row of each episode, as `last()` its last one.
# What happens: each column is taken from the first row where that column is not missing, so one answer
#   mixes several times. `resample(...).first()` and `.last()` do the same.
# Seen: an episode (x, y) = (NaN, 10), (1, 11), (2, 12). `first()` gives (1, 10), a pair never observed.
# Why it matters: sensors start at different times, and NaN is usual in the first rows. Start states, or
#   states at a common clock, are then put together from different moments.
# Way round: `nth(0)` and `nth(-1)`, `head(1)` and `tail(1)`, or `first(skipna=False)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pandas==3.1.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd

print({name: version(name) for name in ("pandas", "numpy")})
log = pd.DataFrame({"episode": 0, "x": [np.nan, 1.0, 2.0], "y": [10.0, 11.0, 12.0]})
first = log.groupby("episode").first().iloc[0].tolist()
log.index = pd.to_datetime([0, 10, 20], unit="ms")
bin_first = log.resample("100ms").first()[["x", "y"]].iloc[0].tolist()
print("groupby", first, "resample", bin_first)
assert first == [1.0, 10.0], "groupby().first() no longer mixes rows"
assert bin_first == [1.0, 10.0], "resample().first() no longer mixes rows"

row = log.groupby("episode").nth(0)[["x", "y"]].iloc[0]
assert np.isnan(row["x"]) and row["y"] == 10.0, "the way round fails (nth)"
row = log.groupby("episode").first(skipna=False).iloc[0]
assert np.isnan(row["x"]) and row["y"] == 10.0, "the way round fails (skipna)"
PY
