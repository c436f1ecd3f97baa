#!/usr/bin/env bash
# Zarr with the Delta filter gives NaN for every number after a NaN, and small numbers after a large one as 0.
#
# Versions: numcodecs 0.16.6, zarr 3.1.6, numpy 2.4.6.
# One would guess: a filter before a compressor is lossless, unless its name or its settings say otherwise.
# What happens: floats are stored as differences in their own type, and added up again when read. A NaN stays in
#   the sum to the end of the chunk. So does infinity, and a large number takes the digits of those after it.
# Seen: rewards .5, .5, NaN, .5, .25, .1 come back as .5, .5, NaN, NaN, NaN, NaN. In float32, .1, 1e8, .2, .3 come
#   back as .1, 1e8, 0, .1. Formats 2 and 3 of Zarr do the same. Nothing is said.
# Why it matters: one step without a reward, or one failed reading of a sensor, deletes the rest of the chunk from
#   the only copy; means that skip NaN hide it.
# Way round: no Delta for floats (`Shuffle` or Blosc's shuffle is lossless).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq numcodecs==0.16.6 zarr==3.1.6 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numcodecs
import numpy as np
import zarr
from zarr.codecs.numcodecs import Delta

print({name: version(name) for name in ("numcodecs", "zarr", "numpy")})
nan = np.nan


def read_back(values, dtype, zarr_format, make=None):
    filters = [make(dtype=dtype)] if make else None
    array = zarr.create_array({}, shape=len(values), dtype=dtype, filters=filters, zarr_format=zarr_format)
    array[:] = np.array(values, dtype)
    return array[:]


rewards, jump = [0.5, 0.5, nan, 0.5, 0.25, 0.1], [0.1, 1e8, 0.2, 0.3]
for form, make in ((2, numcodecs.Delta), (3, Delta)):
    holes, after = read_back(rewards, "<f8", form, make), read_back(jump, "<f4", form, make)
    print("format", form, holes.tolist(), after.round(3).tolist())
    assert np.array_equal(holes, [0.5, 0.5, nan, nan, nan, nan], equal_nan=True), "numbers after a NaN are kept"
    assert np.allclose(after, [0.1, 1e8, 0, 0.1]), "numbers after a large one are kept"
    assert np.array_equal(read_back(rewards, "<f8", form), rewards, equal_nan=True), "the way round fails"
assert np.array_equal(read_back([1, 200, 3], "u1", 2, numcodecs.Delta), [1, 200, 3])
PY
