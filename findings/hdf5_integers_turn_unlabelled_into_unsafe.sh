#!/usr/bin/env bash
# HDF5 stores -1 and NaN in an unsigned dataset as 0, and 300 as 255, without an error.
#
# Versions: h5py 3.16.0, numpy 2.4.6.
# One would guess: what NumPy does: -1 and 300 refused (`np.uint8(-1)`) or wrapped (`astype`: 255, 44),
#   and a warning for NaN.
# What happens: the HDF5 library clips to the range of the stored type, and NaN becomes 0 (in int64
#   the lowest number). h5py passes on neither error nor warning.
# Seen: [-1, 0, 1, 300, NaN] written to uint8 reads [0, 0, 1, 255, 0].
# Why it matters: -1 and NaN are the usual marks of "not labelled", and 0 of "unsafe". In a uint8
#   dataset every clip that nobody labelled becomes an unsafe one.
# Way round: store labels as float with NaN or as int8 with -1, and compare after writing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq h5py==3.16.0 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import h5py
import numpy as np

print({name: version(name) for name in ("h5py", "numpy")})
labels = np.array([-1, 0, 1, 300, np.nan])
with h5py.File("labels.h5", "w") as file:
    stored = file.create_dataset("label", shape=labels.shape, dtype="uint8")
    stored[:] = labels
    read = stored[:].tolist()
    whole = file.create_dataset("whole", data=np.array([-1, 0, 1, 300]), dtype="uint8")[:].tolist()
    signed = file.create_dataset("signed", shape=labels.shape, dtype="int64")
    signed[:] = labels
    lowest = int(signed[4])
print("written", labels.tolist(), "read", read, "from integers", whole, "NaN in int64", lowest)
assert read == [0, 0, 1, 255, 0], "HDF5 converts otherwise now"
assert whole == [0, 0, 1, 255], "HDF5 converts otherwise now"
assert lowest == np.iinfo(np.int64).min, "HDF5 converts otherwise now"
assert np.array([-1, 0, 1, 300]).astype(np.uint8).tolist() == [255, 0, 1, 44]
PY
