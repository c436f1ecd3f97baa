#!/usr/bin/env bash
# LeRobot gives the pictures of a dataset a standard deviation of 0, whatever they show.
#
# Versions: lerobot 0.4.4 (the last for Python 3.11; right in 0.6.1), numpy 2.4.6.
# One would guess: the spread of pixels between 0 and 255 is their standard deviation.
# What happens: the mean of the squares is taken in the type of the data. In uint8 a square is taken modulo 256, so
#   the variance comes out negative and is set to 0. It happens to every integer type at its own limit.
# Seen: 20 pictures of random pixels, std 74 in NumPy: 0, 0, 0 for the three channels. An int32 column from 0 to
#   99,000: 0 for 28,866. Floats are right.
# Why it matters: pictures are read as uint8 by `compute_episode_stats`, and its result is the dataset's `stats.json`.
#   A policy that normalises by it divides by 0 + 1e-8.
# Way round: `astype(np.float32)` before, or ImageNet's statistics for pictures.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq numpy==2.4.6
venv/bin/pip install -qq --no-deps lerobot==0.4.4 # its module of statistics needs NumPy, and a reader of pictures
venv/bin/python -I -W error - <<'PY'
import sys
from importlib.metadata import version
from types import SimpleNamespace

import numpy as np

sys.modules["lerobot.datasets.utils"] = SimpleNamespace(load_image_as_numpy=None)  # would import torchvision
from lerobot.datasets.compute_stats import get_feature_stats

print({name: version(name) for name in ("lerobot", "numpy")})
pictures = np.random.default_rng(0).integers(0, 256, (20, 3, 8, 8)).astype(np.uint8)
seen = get_feature_stats(pictures, axis=(0, 2, 3), keepdims=True)["std"].ravel()  # as `compute_episode_stats` does
truth = pictures.std(axis=(0, 2, 3))
print("pictures: LeRobot", seen.tolist(), "NumPy", truth.round(1).tolist())
assert seen.tolist() == [0, 0, 0] and truth.min() > 70, "pictures have a spread"

column = np.arange(0, 100_000, 1000, dtype=np.int32)[:, None]
spread = get_feature_stats(column, axis=0, keepdims=False)["std"].item()
print("int32: LeRobot", spread, "NumPy", column.std())
assert spread == 0 and column.std() > 28_000, "integers have a spread"
as_float = get_feature_stats(pictures.astype(np.float32), axis=(0, 2, 3), keepdims=True)["std"].ravel()
assert np.allclose(as_float, truth, rtol=1e-3), "the way round fails"
PY
