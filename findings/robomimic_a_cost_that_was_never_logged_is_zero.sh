#!/usr/bin/env bash
# robomimic hands out zeros for a column that no demonstration has, such as costs, when it caches the file.
#
# Versions: robomimic 0.3.0, torch 2.13.0, h5py 3.16.0, numpy 2.4.6.
# One would guess: an error, as there is one without a cache.
# What happens: with `hdf5_cache_mode` "low_dim" or "all", as the templates of its algorithms have it, each key of
#   `dataset_keys` that is missing in a demonstration becomes a column of zeros. No word of it in the docstring.
# Seen: three demonstrations, of which the first alone has costs. "low_dim" and "all" give the other two costs of 0. A
#   misspelt "cost" is 0 in all of them. `None` raises a KeyError for both.
# Why it matters: a demonstration whose costs were not recorded becomes the safest of the file. So does every one when
#   the name of the column is wrong, and a limit on costs is kept from the first step of training.
# Way round: ask `h5py` for the keys of each demonstration first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 h5py==3.16.0 numpy==2.4.6 tqdm termcolor tensorboardX psutil
venv/bin/pip install -qq --no-deps robomimic==0.3.0
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import h5py
import numpy as np
import robomimic.utils.obs_utils as observations
from robomimic.utils.dataset import SequenceDataset

print({name: version(name) for name in ("robomimic", "torch", "h5py", "numpy")})
observations.initialize_obs_utils_with_obs_specs({"obs": {"low_dim": ["position"]}})
with h5py.File("drives.hdf5", "w") as file:
    for number in range(3):
        drive = file.create_group(f"data/demo_{number}")
        drive.attrs["num_samples"] = 4
        positions = np.arange(4.0)[:, None]
        columns = {"actions": positions, "obs/position": positions, "next_obs/position": positions + 1}
        if number == 0:
            columns["costs"] = np.array([0, 0, 1, 5.0])[:, None]
        for name, values in columns.items():
            drive[name] = values


def costs(column, cache):
    """The costs of each drive, or the error."""
    keys = {"obs_keys": ("position",), "dataset_keys": ("actions", column), "hdf5_use_swmr": False}
    try:
        data = SequenceDataset(hdf5_path="drives.hdf5", hdf5_cache_mode=cache, **keys)
        steps = [float(np.asarray(data[step][column]).item()) for step in range(len(data))]
    except KeyError as error:
        return type(error).__name__
    return [steps[:4], steps[4:8], steps[8:]]


for cache in ("low_dim", "all", None):
    print(cache, "costs", costs("costs", cache), "cost", costs("cost", cache))
for cache in ("low_dim", "all"):
    assert costs("costs", cache) == [[0, 0, 1, 5], [0] * 4, [0] * 4], "drives without costs are no longer free"
    assert costs("cost", cache) == [[0] * 4] * 3, "a misspelt column is no longer zero"
assert costs("costs", None) == costs("cost", None) == "KeyError", "no error without a cache"
with h5py.File("drives.hdf5") as file:
    logged = [name for name, drive in file["data"].items() if "costs" in drive]
assert logged == ["demo_0"], "the way round fails"
PY
