#!/usr/bin/env bash
# ZFP in HDF5 gives a missing value (NaN) back as -2 or 2, and every other number right.
#
# Versions: hdf5plugin 7.1.0, h5py 3.16.0, numpy 2.4.6.
# One would guess: NaN stays NaN, as with the other filters, or is refused; `accuracy=1e-3` bounds the error.
# What happens: ZFP's blocks have no code for NaN. It is written as some number, and no error is reported.
# Seen: a label NaN among 64 numbers comes back as -2.0 with the default `Zfp()`, as 1.9999 with an accuracy of
#   1e-3 and as -2.0 with a precision of 20 bits. The other 63 are exact, or within the accuracy.
# Why it matters: NaN means "not labelled" or "sensor failed". After the file it is a large number that passes
#   every test for missing values, in a log that is checked to be right elsewhere.
# Way round: `Zfp(reversible=True)` keeps NaN; or store a mask beside the numbers.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq hdf5plugin==7.1.0 h5py==3.16.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import h5py
import hdf5plugin
import numpy as np

print({name: version(name) for name in ("hdf5plugin", "h5py", "numpy")})
values = np.round(np.sin(0.3 * np.arange(64)), 3)
values[10] = np.nan
given = np.flatnonzero(~np.isnan(values))


def back(name, **filters):
    with h5py.File(f"{name}.h5", "w") as file:
        file.create_dataset("labels", data=values, chunks=(64,), compression=hdf5plugin.Zfp(**filters))
    with h5py.File(f"{name}.h5") as file:
        return file["labels"][:]


for name, filters, replaced, error in (
    ("default", {}, -2.0, 1e-15),
    ("accuracy", {"accuracy": 1e-3}, 2.0, 1e-3),
    ("precision", {"precision": 20}, -2.0, 1e-3),
):
    read = back(name, **filters)
    print(name, "NaN becomes", read[10], "largest other error", np.abs(read - values)[given].max())
    assert abs(read[10] - replaced) < 1e-3, "NaN is no longer replaced"
    assert np.abs(read - values)[given].max() <= error, "the other numbers have changed"
assert np.array_equal(back("reversible", reversible=True), values, equal_nan=True), "the way round fails"
PY
