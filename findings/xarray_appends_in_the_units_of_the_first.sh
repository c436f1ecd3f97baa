#!/usr/bin/env bash
# xarray appends a time of 2.5 s to a Zarr log as 2,500 s, and a reward of 0.7 as 1.
#
# Versions: xarray 2026.9.0, zarr 3.1.6, numpy 2.4.6.
# One would guess: appended rows come back as they were given, or `to_zarr` refuses them.
# What happens: the first write chooses units and type: whole seconds are stored as integers in seconds. The
#   times of an append are counted in units of their own (milliseconds for 2.5 s) and stored without
#   conversion. Fractions appended to integers are rounded.
# Seen: times 0 s and 1 s, then 2.5 s and 3.5 s appended: read back as 0, 1, 2500 and 3500 s. Rewards 1 and 2,
#   then 0.2 and 0.7 appended: 1, 2, 0, 1.
# Why it matters: episodes are appended one by one to one store. An episode that starts on a full second
#   decides on all later ones; the reader has no sign of it.
# Way round: fix `encoding={"time": {"units": "nanoseconds since 1970-01-01"}}` and float types when first writing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq xarray==2026.9.0 zarr==3.1.6 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import xarray as xr

print({name: version(name) for name in ("xarray", "zarr", "numpy")})
START = np.datetime64("2026-01-01T00:00:00.000000000")


def episode(milliseconds, rewards):
    times = START + np.array(milliseconds) * np.timedelta64(1, "ms")
    return xr.Dataset({"reward": ("time", rewards)}, coords={"time": times})


def read(store):
    log = xr.open_zarr(store)
    return ((log["time"].values - START) / np.timedelta64(1, "s")).tolist(), log["reward"].values.tolist()


episode([0, 1000], [1, 2]).to_zarr("log.zarr")
episode([2500, 3500], [0.2, 0.7]).to_zarr("log.zarr", append_dim="time")
times, rewards = read("log.zarr")
print("seconds", times, "rewards", rewards)
assert times == [0, 1, 2500, 3500], "appended times have changed"
assert rewards == [1, 2, 0, 1], "appended fractions are no longer rounded"
fixed = {"time": {"units": "nanoseconds since 1970-01-01"}}
episode([0, 1000], [1.0, 2.0]).to_zarr("fixed.zarr", encoding=fixed)
episode([2500, 3500], [0.2, 0.7]).to_zarr("fixed.zarr", append_dim="time")
assert read("fixed.zarr") == ([0, 1, 2.5, 3.5], [1, 2, 0.2, 0.7]), "the way round fails"
PY
