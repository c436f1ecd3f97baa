#!/usr/bin/env bash
# xarray reads every zero of a Zarr array in format 2 as missing, and the mean reward doubles.
#
# Versions: xarray 2026.9.0, zarr 3.1.6, numpy 2.4.6.
# One would guess: zeros that were written are zeros, in format 2 as in format 3.
# What happens: Zarr's `fill_value` is what a chunk holds before it is written, 0 by default. For format 2
#   xarray takes it for the mark of missing data. The array becomes float, with NaN for each zero.
# Seen: rewards 0, 1, 0, 2 come back as NaN, 1, NaN, 2, and their mean as 1.5 in place of 0.75. In format 3
#   they come back as they were.
# Why it matters: replay buffers of robot learning (Diffusion Policy, UMI) are Zarr stores of format 2. Costs
#   and sparse rewards are mostly zeros, and xarray's means leave NaN out.
# Way round: `xr.open_zarr(..., mask_and_scale=False)`, or `fill_value=None` when writing.
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
import zarr

print({name: version(name) for name in ("xarray", "zarr", "numpy")})
rewards = np.array([0, 1, 0, 2])


def write(name, form, **options):
    group = zarr.open_group(name, mode="w", zarr_format=form)
    names = {"dimension_names": ["step"]} if form == 3 else {"attributes": {"_ARRAY_DIMENSIONS": ["step"]}}
    array = group.create_array("reward", shape=rewards.shape, dtype=rewards.dtype, **names, **options)
    array[:] = rewards
    assert np.array_equal(zarr.open_group(name, mode="r")["reward"][:], rewards)


for form in (2, 3):
    write(f"format{form}.zarr", form)
    read = xr.open_zarr(f"format{form}.zarr", consolidated=False)["reward"]
    print("format", form, read.values, read.dtype, "mean", float(read.mean()))
    if form == 2:
        assert np.array_equal(read.values, [np.nan, 1, np.nan, 2], equal_nan=True), "zeros are no longer missing"
        assert float(read.mean()) == 1.5
    else:
        assert np.array_equal(read.values, rewards), "format 3 has changed"
plain = xr.open_zarr("format2.zarr", consolidated=False, mask_and_scale=False)["reward"]
assert np.array_equal(plain.values, rewards), "the way round fails"
write("none.zarr", 2, fill_value=None)
assert np.array_equal(xr.open_zarr("none.zarr", consolidated=False)["reward"].values, rewards), "so does the other"
PY
