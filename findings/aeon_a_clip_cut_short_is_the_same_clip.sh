#!/usr/bin/env bash
# aeon's Euclidean distance between a clip and its first ten steps is 0.
#
# Versions: aeon 1.6.0, numba 0.62.1, scikit-learn 1.9.1, scipy 1.17.1, pandas 2.3.3, numpy 2.3.5.
# One would guess: an error for two lengths, as in NumPy, or a distance that counts the steps which one clip lacks.
# What happens: the Euclidean, squared, Manhattan and Minkowski distances run over the steps that both clips have.
#   No warning, by `pairwise_distance` as well.
# Seen: a drive of 50 steps, the same drive ended by a crash in step 10, and the drive with noise of 0.01. The
#   crashed one is at distance 0, nearer than the noisy one at 0.07.
# Why it matters: episodes that end early are those of accidents. Among neighbours or clusters they are the same as
#   good drives that began alike, and a clip of one step is near everything.
# Way round: compare lengths before, or `dtw_distance`, which counts every step.
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
drive = np.sin(np.arange(50) / 5)
crashed = drive[:10].copy()
noisy = drive + np.random.default_rng(0).normal(0, 0.01, 50)
for name in ("euclidean", "squared", "manhattan", "minkowski", "dtw"):
    distance = getattr(distances, f"{name}_distance")
    print(name, "crashed", round(distance(drive, crashed), 3), "noisy", round(distance(drive, noisy), 3))
    if name == "dtw":
        assert distance(drive, crashed) > 10 * distance(drive, noisy), "the way round fails"
    else:
        assert distance(drive, crashed) == 0 < distance(drive, noisy), "missing steps are counted or refused now"
assert not distances.pairwise_distance([drive, crashed], method="euclidean").any()
PY
