#!/usr/bin/env bash
# krippendorff gives annotators who agree within a few points an alpha of 0.34 when scores are stored as uint8.
#
# Versions: krippendorff 0.9.0, numpy 2.4.6.
# One would guess: agreement is about the scores, so it does not matter which integer type they are stored in.
# What happens: the distance of two scores is taken in their own type before it becomes a float. In uint8,
#   3 - 5 is 254. The levels "interval" (the default) and "ratio" square that. Nothing is said.
# Seen: eight clips, two annotators, scores of 0 to 100, ten points apart at most: alpha .987 for int64, .343
#   for uint8. Of scores from 1 to 5: .931 and .698. "nominal" and "ordinal" are right.
# Why it matters: scores of a slider or of stars are stored in uint8 by images, HDF5, Parquet and small frames.
#   A good crowd is dismissed, and the number is a plausible one.
# Way round: `scores.astype(float)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq krippendorff==0.9.0 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import krippendorff
import numpy as np

print({name: version(name) for name in ("krippendorff", "numpy")})


def alphas(scores, level):
    return [
        round(float(krippendorff.alpha(scores.astype(dtype), level_of_measurement=level)), 3)
        for dtype in (np.int64, np.uint8, np.float64)
    ]


slider = np.array([[50, 90, 100, 20, 0, 60, 70, 10], [55, 90, 95, 30, 0, 60, 80, 10]])
stars = np.array([[1, 2, 3, 4, 5, 1, 2, 3], [1, 2, 4, 4, 5, 2, 2, 3]])
seen = {level: alphas(slider, level) for level in ("interval", "ratio", "ordinal", "nominal")}
print("0 to 100, int64, uint8, float64:", seen)
print("1 to 5, int64, uint8, float64:", alphas(stars, "interval"))
assert seen["interval"] == [0.987, 0.343, 0.987], "the alpha of uint8 scores is another"
assert seen["ratio"][1] < 0.9 < seen["ratio"][0] == seen["ratio"][2], "the alpha of uint8 scores is another"
assert len(set(seen["ordinal"])) == len(set(seen["nominal"])) == 1
assert alphas(stars, "interval") == [0.931, 0.698, 0.931], "the alpha of uint8 scores is another"
assert krippendorff.alpha(slider.astype(np.uint8)) < 0.35, "the default is another level"
PY
