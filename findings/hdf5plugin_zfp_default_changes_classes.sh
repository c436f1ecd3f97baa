#!/usr/bin/env bash
# ZFP in HDF5 with its default settings keeps floats exactly and changes integers: class 0 becomes -1.
#
# Versions: hdf5plugin 7.1.0, h5py 3.16.0, numpy 2.4.6.
# One would guess: what is without loss for the rewards of a file is without loss for its integers.
# What happens: the default is lossy; for ordinary floats the loss is below their precision. Small integers use
#   the lowest bits, and those are the ones that are lost.
# Seen: actions 0, 1, 2, 3, 4, 0, 1, ... come back as -1, 1, 1, 3, 4, 0, 0, 0, 4, 4, ... Multiples of 0.001 come
#   back exactly.
# Why it matters: discrete actions, classes and labels stay integers and in range, but for the -1. A check on the
#   rewards says that the file is right.
# Way round: `Zfp(reversible=True)`, or a filter without loss (`Bitshuffle`, `Blosc2`, `Zstd`) for integers.
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


def back(name, values, **filters):
    with h5py.File(f"{name}.h5", "w") as file:
        file.create_dataset("column", data=values, chunks=(64,), compression=hdf5plugin.Zfp(**filters))
    with h5py.File(f"{name}.h5") as file:
        return file["column"][:]


rewards, actions = np.round(np.sin(0.3 * np.arange(64)), 3), (np.arange(64) % 5).astype(np.int32)
read = back("actions", actions)
print("written", actions[:10].tolist(), "read", read[:10].tolist(), "wrong", int((read != actions).sum()), "of 64")
assert np.abs(back("rewards", rewards) - rewards).max() < 1e-15, "rewards have changed"
assert read.dtype == np.int32 and read[:10].tolist() == [-1, 1, 1, 3, 4, 0, 0, 0, 4, 4], "integers are now kept"
assert np.array_equal(back("reversible", actions, reversible=True), actions), "the way round fails"
PY
