#!/usr/bin/env bash
# LeRobot gives an air pressure about 101,325 Pa a standard deviation of 0 where it is 10.
#
# Versions: lerobot 0.4.4 (0.6.1 does the same), numpy 2.4.6.
# One would guess: the standard deviation of a column does not change when a constant is added, as in NumPy.
# What happens: it is the root of the mean of the squares less the square of the mean, in the type of the data. In
#   float32, the type of states and actions, the two agree in all seven digits when the mean is large.
# Seen: the same 1,000 readings with std 1: .98 about 0, .90 about 1,000, 0 about 10,000, 0 about 100,000, 2,048
#   about 4,500,000. NumPy in float32 stays below 1.2. float64 is right.
# Why it matters: metres of a map, pressures, encoder counts and times lie so. A feature is divided by 0 + 1e-8, or
#   vanishes.
# Way round: convert to float64 before, or subtract the first value of the log.
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
noise = np.random.default_rng(0).normal(size=(1000, 1))


def spread(column):
    return round(get_feature_stats(column, axis=0, keepdims=False)["std"].item(), 2)


seen = {}
for centre in (0, 1000, 10_000, 100_000, 4_500_000):
    column = centre + noise
    small = column.astype(np.float32)
    seen[centre] = spread(small), round(float(small.std()), 2), spread(column)
    print("about", centre, "LeRobot float32, NumPy float32, LeRobot float64:", seen[centre])
pressure = (101_325 + 10 * noise).astype(np.float32)
print("pressure: LeRobot", spread(pressure), "NumPy", round(float(pressure.std()), 2))
assert not any(0.5 < seen[centre][0] < 2 for centre in (10_000, 100_000, 4_500_000)), "float32 has its spread"
assert all(0.9 < numpy < 1.2 and 0.9 < double < 1.1 for _, numpy, double in seen.values()), "the way round fails"
assert abs(spread(pressure) - 9.8) > 5, "float32 has its spread"
PY
