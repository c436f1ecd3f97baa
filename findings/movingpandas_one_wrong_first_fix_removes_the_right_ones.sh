#!/usr/bin/env bash
# MovingPandas' cleaner keeps a wrong first position, and drops 499 right ones after it.
#
# Versions: movingpandas 0.23.0, geopandas 1.2.0, shapely 2.2.0, pyproj 3.7.2, pandas 3.1.1, numpy 2.4.6.
# One would guess: `OutlierCleaner` "cuts away spikes", wherever they are; one wrong position costs one row.
# What happens: every position is compared with the last one that was kept, and the first is always kept. The way from
#   there to the right ones is too fast, until enough time has passed to bring it below the limit. Not documented.
# Seen: ten minutes at 10 m/s, one position a second, a limit of 20 m/s. With one position in the middle that is 8 km
#   off, 599 rows are left. With the first position 5 km off 101 are left: the wrong one and the last 100. No warning.
# Why it matters: the first position of a receiver is often the last one of yesterday. What is left looks clean: no
#   speed is above the limit. The labels and costs of eight minutes are gone with the rows.
# Way round: leave out the first rows before cleaning, or compare the number of rows.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export MPLCONFIGDIR=$work
python3 -m venv venv
venv/bin/pip install -qq movingpandas==0.23.0 geopandas==1.2.0 shapely==2.2.0 pyproj==3.7.2 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
import warnings
from importlib.metadata import version

import geopandas
import movingpandas
import numpy as np
import pandas

names = ("movingpandas", "geopandas", "shapely", "pyproj", "pandas", "numpy")
print({name: version(name) for name in names})
times = pandas.date_range("2026-01-01", periods=600, freq="s")


def cleaned(east, start=0):
    points = geopandas.GeoDataFrame(
        geometry=geopandas.points_from_xy(500_000 + east, np.full(600, 5_800_000.0)), index=times, crs=32633
    )
    track = movingpandas.Trajectory(points.iloc[start:], 1)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        kept = movingpandas.OutlierCleaner(track).clean(v_max=20, units=("m", "s"))
    assert not [one for one in told if one.category is UserWarning], "a warning is given now"
    return kept.df.geometry.x.to_numpy() - 500_000


right = 10.0 * np.arange(600)
first, middle = right.copy(), right.copy()
first[0] = middle[300] = -5000.0
kept = cleaned(first)
print("wrong at the start: rows left", len(kept), "the first three at", kept[:3].tolist())
assert len(kept) == 101 and kept[:3].tolist() == [-5000.0, 5000.0, 5010.0], "the right rows are kept now"
print("wrong in the middle: rows left", len(cleaned(middle)), "nothing wrong:", len(cleaned(right)))
assert len(cleaned(middle)) == 599 and -5000 not in cleaned(middle) and len(cleaned(right)) == 600, "the control"
assert np.array_equal(cleaned(first, start=1), right[1:]), "the way round fails"
PY
