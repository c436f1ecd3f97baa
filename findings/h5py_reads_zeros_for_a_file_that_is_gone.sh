#!/usr/bin/env bash
# h5py reads zeros for an episode whose file is gone, or another file that has its name.
#
# Versions: h5py 3.16.0 with HDF5 2.0.0, numpy 2.4.6.
# One would guess: an error that the file is missing, as an external link and external raw storage raise.
# What happens: a virtual dataset joins arrays of other files without a copy. A part whose file or array is not
#   found reads as the fill value. Names are looked up beside the file and then in the current folder.
# Seen: costs 1 and 2 in ep0.h5 and ep1.h5, joined in all.h5. Without ep1.h5 the second row is 0. With all.h5 moved
#   and a stranger's ep0.h5 in the current folder, the first row is the stranger's 7.
# Why it matters: only all.h5 is copied to the training machine, and the robot has never had a cost. Shape, type and
#   number of episodes are right.
# Way round: `fillvalue=numpy.nan` in `create_virtual_dataset`, and before reading, that each name of
#   `virtual_sources()` exists beside the file.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq h5py==3.16.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import os

import h5py
import numpy as np

print({name: version(name) for name in ("h5py", "numpy")}, "HDF5", h5py.version.hdf5_version)


def write(path, cost):
    with h5py.File(path, "w") as file:
        file["cost"] = np.full(3, cost)


def read(path, name="cost"):
    with h5py.File(path) as file:
        return file[name][()].tolist()


joined = h5py.VirtualLayout((2, 3), "f8")
for number in (0, 1):
    write(f"ep{number}.h5", number + 1.0)
    joined[number] = h5py.VirtualSource(f"ep{number}.h5", "cost", (3,))
with h5py.File("all.h5", "w") as file:
    file.create_virtual_dataset("cost", joined)
    file.create_virtual_dataset("marked", joined, fillvalue=np.nan)
    file["link"] = h5py.ExternalLink("ep1.h5", "cost")
whole = read("all.h5")
os.remove("ep1.h5")
gone, marked = read("all.h5"), read("all.h5", "marked")
os.makedirs("moved")
os.makedirs("elsewhere")
os.rename("all.h5", "moved/all.h5")
os.chdir("elsewhere")
write("ep0.h5", 7.0)
strange = read("../moved/all.h5")
print("whole", whole, "without ep1.h5", gone, "with another ep0.h5", strange, "marked", marked)
assert whole == [[1, 1, 1], [2, 2, 2]], "joined files are read otherwise"
assert gone == [[1, 1, 1], [0, 0, 0]], "the missing file no longer reads as zeros"
assert strange == [[7, 7, 7], [0, 0, 0]], "the current folder is no longer searched"
assert np.isnan(marked[1]).all(), "the way round fails"
try:
    read("../moved/all.h5", "link")
except (KeyError, OSError) as error:
    print("an external link refuses:", str(error)[:60])
else:
    raise AssertionError("an external link no longer refuses")
PY
