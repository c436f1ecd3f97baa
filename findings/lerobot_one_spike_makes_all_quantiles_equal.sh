#!/usr/bin/env bash
# LeRobot gives one value for the median and all other quantiles of an episode when one sensor reading is a spike.
#
# Versions: lerobot 0.4.4 (0.6.1 does the same), numpy 2.4.6.
# One would guess: a median does not move for one reading in a thousand; robust statistics are made for that.
# What happens: quantiles are read from 5,000 bins of equal width between the smallest and the largest value. A
#   spike makes the bins so wide that all other readings share the first. Its lower edge is the answer.
# Seen: 1,000 normal readings and one of 1e6 among them: q01, q10, q50, q90 and q99 are all -3.90, the smallest value.
#   NumPy has -2.42, -1.26, -.07, 1.23 and 2.28.
# Why it matters: normalisation by quantiles, pi0.5's default for states and actions, divides by q99 - q01 = 0, and
#   each reading becomes a number near 1e8.
# Way round: `np.quantile` on the column, written into `stats.json`.
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
names = ("q01", "q10", "q50", "q90", "q99")


def quantiles(column):
    stats = get_feature_stats(column[:, None], axis=0, keepdims=False)  # as for an episode's states and actions
    return [round(stats[name].item(), 2) for name in names]


readings = np.random.default_rng(0).normal(size=1000)
spike = readings.copy()
spike[500] = 1e6
truth = np.quantile(spike, [0.01, 0.1, 0.5, 0.9, 0.99]).round(2).tolist()
print(names, "without the spike", quantiles(readings), "with", quantiles(spike), "NumPy with", truth)
assert np.allclose(quantiles(readings), truth, atol=0.1)
assert set(quantiles(spike)) == {round(spike.min(), 2)}, "the quantiles differ"
PY
