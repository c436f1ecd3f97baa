#!/usr/bin/env bash
# aeon's LCSS and EDR distances between any clip and one that is NaN throughout are 0: the best match of all.
#
# Versions: aeon 1.6.0, numba 0.62.1, scikit-learn 1.9.1, scipy 1.17.1, pandas 2.3.3, numpy 2.3.5.
# One would guess: NaN, as by aeon's Euclidean and DTW distances, or 1, since no step matches.
# What happens: two steps match unless they are further apart than epsilon. NaN is not further apart than anything, so
#   it matches every step.
# Seen: ten clips of noise, epsilon 0.1. Between two of them LCSS is 0.62 to 0.70, EDR 0.72 to 0.82. From each of them
#   to 50 times NaN it is 0. The nearest neighbour of every clip is the one of a failed sensor.
# Why it matters: both distances are recommended for data with noise and faults. A clip without any data becomes
#   everyone's nearest neighbour, and its label everyone's label.
# Way round: leave out clips that are not finite before.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq aeon==1.6.0 numba==0.62.1 scikit-learn==1.9.1 scipy==1.17.1 pandas==2.3.3 numpy==2.3.5
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from aeon import distances

print({name: version(name) for name in ("aeon", "numba", "scikit-learn", "scipy", "pandas", "numpy")})
rng = np.random.default_rng(0)
clips = rng.normal(size=(10, 50))
failed = np.full(50, np.nan)
for name in ("lcss", "edr"):
    distance = getattr(distances, f"{name}_distance")
    others = [distance(clips[0], clip, epsilon=0.1) for clip in clips[1:]]
    missing = [distance(clip, failed, epsilon=0.1) for clip in clips]
    print(name, "other clips from", round(min(others), 2), "to", round(max(others), 2), "NaN", set(missing))
    assert min(others) > 0.3 and set(missing) == {0.0}, "NaN no longer matches everything"
euclidean = distances.euclidean_distance(clips[0], failed), distances.dtw_distance(clips[0], failed)
print("Euclidean, DTW", *euclidean)
assert np.isnan(euclidean).all()
PY
