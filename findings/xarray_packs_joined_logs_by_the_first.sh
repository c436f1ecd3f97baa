#!/usr/bin/env bash
# xarray writes a log joined from two packed files with the scale of the first: 900 becomes -0.028.
#
# Versions: xarray 2026.9.0, netCDF4 1.7.5.1.post1, numpy 2.4.6.
# One would guess: after loading, the numbers are plain floats, and are written as floats or with a new scale.
# What happens: a variable remembers how its file was packed (int16 and a scale). `concat` keeps this of the
#   first part and writes all of it that way. Numbers outside the range of int16 wrap around without an error.
# Seen: speeds 0.5 and 1 from a file with the scale 1/30000, 450 and 900 from one with 0.03: written and read
#   again they are 0.5, 1, -0.0139, -0.0277.
# Why it matters: logs of slow and of fast episodes are packed with their own scales to save space. Joining
#   them gives numbers that are small and look possible.
# Way round: `dataset.drop_encoding()` before writing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq xarray==2026.9.0 netCDF4==1.7.5.1.post1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import xarray as xr

print({name: version(name) for name in ("xarray", "netCDF4", "numpy")})
parts = []
for name, speeds in (("slow.nc", [0.5, 1.0]), ("fast.nc", [450.0, 900.0])):
    packing = {"speed": {"dtype": "int16", "scale_factor": max(speeds) / 30000}}
    xr.Dataset({"speed": ("step", speeds)}).to_netcdf(name, encoding=packing)
    parts.append(xr.load_dataset(name))
    assert np.allclose(parts[-1]["speed"], speeds, rtol=1e-4), "packing itself is at fault"
joined = xr.concat(parts, "step")
joined.to_netcdf("joined.nc")
again = xr.load_dataset("joined.nc")["speed"].values
print("joined", joined["speed"].values, "written and read", again)
assert np.allclose(joined["speed"], [0.5, 1, 450, 900], rtol=1e-4)
assert np.allclose(again[:2], [0.5, 1], rtol=1e-4)
assert np.all(np.abs(again[2:]) < 1.1), "the first scale is no longer kept"
joined.drop_encoding().to_netcdf("floats.nc")
assert np.allclose(xr.load_dataset("floats.nc")["speed"], joined["speed"]), "the way round fails"
PY
