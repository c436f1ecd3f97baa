#!/usr/bin/env bash
# SciPy's `euclidean` calls two pictures that differ by at most one grey level thousands apart.
#
# Versions: scipy 1.17.1, numpy 2.4.6.
# One would guess: `euclidean(a, b)` is the root of `sqeuclidean(a, b)`, and what `cdist` gives for the two rows.
# What happens: `euclidean`, `minkowski`, `cityblock` and `chebyshev` subtract in the type of the data: in uint8,
#   3 - 4 is 255. `sqeuclidean` and `cdist` convert to float64 first.
# Seen: 1,000 pixels, every second one lighter by 1, every second one darker by 1. `sqeuclidean` 1,000 and `cdist` 31.6,
#   as they should be. `euclidean` 5,702, `cityblock` 128,000 for 1,000, `chebyshev` 255 for 1.
# Why it matters: camera frames are uint8. Thresholds that drop repeated frames or find a clip's nearest neighbour
#   then measure which of the two is brighter.
# Way round: `.astype(float)`, or `cdist`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq scipy==1.17.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from scipy.spatial import distance

print({name: version(name) for name in ("scipy", "numpy")})
frame = np.full(1000, 100, np.uint8)
later = frame + np.where(np.arange(1000) % 2, 1, -1).astype(np.int8)
later = later.astype(np.uint8)


def measured(a, b):
    names = ("euclidean", "sqeuclidean", "cityblock", "chebyshev")
    single = {name: round(float(getattr(distance, name)(a, b)), 1) for name in names}
    return single, round(float(distance.cdist(a[None], b[None])[0, 0]), 1)


wrong, pairs = measured(frame, later)
right = measured(frame.astype(float), later.astype(float))
print("uint8", wrong, "cdist", pairs)
print("float", *right)
assert wrong["sqeuclidean"] == 1000 and pairs == 31.6
assert wrong["euclidean"] > 5000 and wrong["cityblock"] == 128000 and wrong["chebyshev"] == 255, "now right for uint8"
assert right[0] == {"euclidean": 31.6, "sqeuclidean": 1000, "cityblock": 1000, "chebyshev": 1}, "the way round fails"
PY
