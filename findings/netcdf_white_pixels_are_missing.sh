#!/usr/bin/env bash
# netCDF4 reads the number 255 of a uint8 variable as missing, and means leave it out.
#
# Versions: netCDF4 1.7.5.1.post1, xarray 2026.9.0 (to compare), numpy 2.4.6.
# One would guess: without a `_FillValue` among the attributes every number of a uint8 variable is data.
# What happens: the netCDF library has a default fill value for each type, 255 for unsigned bytes, and
#   netCDF4 masks numbers that equal it. The attribute list stays empty.
# Seen: 255, 255, 0, 100 come back as --, --, 0, 100, and the mean as 50 in place of 152.5. xarray reads the
#   same file as 255, 255, 0, 100.
# Why it matters: white pixels, a saturated sensor or a full gripper are 255. `np.asarray` of the result
#   shows the right numbers again, so that checks of the data see nothing.
# Way round: `dataset.set_auto_mask(False)` after opening.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq netCDF4==1.7.5.1.post1 xarray==2026.9.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import netCDF4
import numpy as np
import xarray as xr

print({name: version(name) for name in ("netCDF4", "xarray", "numpy")})
pixels = np.array([255, 255, 0, 100], np.uint8)
with netCDF4.Dataset("camera.nc", "w") as file:
    file.createDimension("pixel", pixels.size)
    file.createVariable("grey", "u1", ("pixel",))[:] = pixels
with netCDF4.Dataset("camera.nc") as file:
    variable = file["grey"]
    print("attributes", variable.ncattrs(), "read", variable[:], "mean", variable[:].mean())
    assert variable.ncattrs() == [], "the fill value is now stored in the file"
    assert variable[:].mean() == 50, "white pixels are no longer missing"
    assert np.array_equal(np.asarray(variable[:]), pixels)
    file.set_auto_mask(False)
    assert variable[:].mean() == pixels.mean() == 152.5, "the way round fails"
with xr.open_dataset("camera.nc") as file:
    assert np.array_equal(file["grey"].values, pixels), "xarray now masks as well"
PY
