#!/usr/bin/env bash
# xarray shows steps that were never written as -2147483647 and as 9.97e36.
#
# Versions: xarray 2026.9.0, netCDF4 1.7.5.1.post1, numpy 2.4.6.
# One would guess: NaN or a missing value, as netCDF4 and the command `ncdump` show them.
# What happens: along an unlimited dimension all variables are as long as the longest. The rest holds the
#   default fill value of the type. xarray masks the value of the attribute `_FillValue` only, which the
#   default ones do not have.
# Seen: three time stamps and one reward written: xarray's rewards are 1.0, 9.97e36, 9.97e36 and their sum is
#   1.99e37; the labels 1, -2147483647, -2147483647. netCDF4 masks them.
# Why it matters: a log that stopped between two variables of a step ends so. The last return of a run is
#   then 1e37, or a label is unsafe by any threshold.
# Way round: `createVariable(..., fill_value=...)` when writing, or mask `netCDF4.default_fillvals`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq xarray==2026.9.0 netCDF4==1.7.5.1.post1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import netCDF4
import numpy as np
import xarray as xr

print({name: version(name) for name in ("xarray", "netCDF4", "numpy")})


def write(name, **options):
    with netCDF4.Dataset(name, "w") as file:
        file.createDimension("step", None)
        file.createVariable("time", "f8", ("step",))[:] = [0.0, 0.1, 0.2]
        file.createVariable("reward", "f8", ("step",), **options)[0] = 1.0
        file.createVariable("label", "i4", ("step",), **options)[0] = 1


write("log.nc")
with xr.open_dataset("log.nc") as log:
    rewards, labels = log["reward"].values, log["label"].values
    print("xarray", rewards, labels, "sum", float(log["reward"].sum()))
assert rewards[0] == 1 and np.all(rewards[1:] > 9e36), "rewards that were not written are no longer numbers"
assert labels.tolist() == [1, -2147483647, -2147483647], "labels that were not written are no longer numbers"
with netCDF4.Dataset("log.nc") as log:
    print("netCDF4", log["reward"][:], log["label"][:])
    assert log["reward"][:].mask.tolist() == log["label"][:].mask.tolist() == [False, True, True]
write("named.nc", fill_value=-1)
with xr.open_dataset("named.nc") as log:
    assert np.isnan(log["reward"].values).tolist() == [False, True, True], "the way round fails"
PY
