#!/usr/bin/env bash
# A Zarr array that is cut and grown again shows the deleted values in some places, and zeros in others.
#
# Versions: zarr 3.1.6, numpy 2.4.6.
# One would guess: what grows is filled with the fill value, as in HDF5.
# What happens: cutting deletes whole chunks only. What is beyond the new end inside the last chunk stays
#   in the file, and is back when the array grows over it.
# Seen: 0 to 9 in chunks of 4, cut to 5, grown to 10: 0, 1, 2, 3, 4, 5, 6, 7, 0, 0.
# Why it matters: a log cut back to its last good step and continued by `resize` and partial writing holds
#   steps of the deleted end, where "not written" is to be recognised by the fill value.
# Way round: write the fill value to the end (`array[n:] = fill`) before cutting.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq zarr==3.1.6 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
import zarr

print({name: version(name) for name in ("zarr", "numpy")})
array = zarr.create_array("log.zarr", data=np.arange(10), chunks=(4,))
array.resize((5,))
array.resize((10,))
print(array[:].tolist(), "fill value", array.fill_value)
assert array.fill_value == 0
assert array[:].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0, 0], "cut values no longer come back"

array = zarr.create_array("clean.zarr", data=np.arange(10), chunks=(4,))
array[5:] = 0
array.resize((5,))
array.resize((10,))
assert array[:].tolist() == [0, 1, 2, 3, 4, 0, 0, 0, 0, 0], "the way round fails"
PY
