#!/usr/bin/env bash
# Minari stores uint8 maps by lossy JPEG: a map of classes 0, 1, 3 and 7 comes back with a dozen classes.
#
# Versions: minari 0.5.4, pillow 11.3.0, gymnasium 1.4.0, numpy 2.4.6.
# One would guess: observations in HDF5 or Arrow come back as they were, as all other dtypes do.
# What happens: a uint8 Box from 0 to 255 with both sides of 32 or more is taken for a picture and written as
#   JPEG by default. A Box from 0 to 7, or with a side of 31, is stored exactly.
# Seen: a 64 x 64 map with four classes: 13% of the cells change, and classes 2, 4, 5, 6, 8 and more appear.
#   In a Box from 0 to 7 nothing changes.
# Why it matters: bird's-eye views, occupancy and segmentation maps are such arrays. Edges of obstacles blur,
#   a policy in the simulator sees sharp ones, and 31 cells or 32 make the difference.
# Way round: `jpeg_encoding=False`, for the collector as well; or the true upper bound in the space.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq "minari[hdf5]==0.5.4" pillow==11.3.0 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import os
import warnings

os.environ["MINARI_DATASETS_PATH"] = os.getcwd()
import minari
import numpy as np
from gymnasium.spaces import Box
from minari.data_collector import EpisodeBuffer

print({name: version(name) for name in ("minari", "pillow", "gymnasium", "numpy")})
warnings.simplefilter("ignore")  # about authors and permalinks that are not given
maps = np.zeros((3, 64, 64), np.uint8)
maps[:, 20:43, 20:43], maps[:, 25:30, 25:30], maps[:, 50:, :] = 7, 3, 1


def stored(name, observations, high, **settings):
    episode = EpisodeBuffer(
        id=0,
        observations=observations,
        actions=np.zeros((2, 1)),
        rewards=np.zeros(2),
        terminations=np.array([False, False]),
        truncations=np.array([False, True]),
    )
    space = Box(0, high, observations.shape[1:], np.uint8)
    return minari.create_dataset_from_buffers(
        f"maps/{name}-v0",
        buffer=[episode],
        observation_space=space,
        action_space=Box(-1, 1, (1,), np.float64),
        **settings,
    )[0].observations


back = stored("lossy", maps, 255)
changed = float((back != maps).mean())
print("classes", np.unique(maps), "->", np.unique(back), f"{changed:.0%} of the cells changed")
assert changed > 0.05 and len(np.unique(back)) > 4, "the maps are now stored exactly"
assert np.array_equal(stored("narrow", maps[:, :31, :31], 255), maps[:, :31, :31]), "a side of 31 is no longer exact"
assert np.array_equal(stored("bound", maps, 7), maps), "the way round fails (bound)"
assert np.array_equal(stored("exact", maps, 255, jpeg_encoding=False), maps), "the way round fails"
PY
