#!/usr/bin/env bash
# numpy-quaternion's mean of two orientations 11 degrees apart can be 174 degrees away from both.
#
# Versions: numpy-quaternion 2024.0.13, numpy 2.4.6, scipy 1.17.1 (to compare).
# One would guess: the mean orientation. q and -q are the same orientation, so the sign makes no difference.
# What happens: `mean_rotor_in_chordal_metric` ("closest to all R in the least-squares sense") adds the four
#   numbers up and normalises. Where signs differ the sum is nearly nothing, and its direction is left over.
# Seen: headings 0 and 0.2 rad: mean 0.1. With the second as -q: heading -3.04. scipy's Rotation.mean gives 0.1
#   for both. Converting a heading that crosses 180 degrees to a quaternion and back changes the sign.
# Why it matters: estimators and logs give q or -q as it comes. Averages over a window, of several cameras or of
#   demonstrations then point backwards now and then, with norm 1 and no warning.
# Way round: `scipy.spatial.transform.Rotation.mean`, or turn all to one side first (`q if (q * ref).w > 0`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq numpy-quaternion==2024.0.13 numpy==2.4.6 scipy==1.17.1
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import quaternion
from scipy.spatial.transform import Rotation

print({name: version(name) for name in ("numpy-quaternion", "numpy", "scipy")})


def heading(q):
    return float(np.arctan2(2 * (q.w * q.z + q.x * q.y), 1 - 2 * (q.y**2 + q.z**2)))


first, second = (quaternion.from_rotation_vector([0, 0, angle]) for angle in (0.0, 0.2))
assert np.allclose(quaternion.as_rotation_matrix(second), quaternion.as_rotation_matrix(-second))
found = {}
for name, other in (("q", second), ("-q", -second)):
    both = np.array([first, other])
    compared = Rotation.from_quat(quaternion.as_float_array(both), scalar_first=True).mean().as_rotvec()[2]
    found[name] = heading(quaternion.mean_rotor_in_chordal_metric(both)), float(compared)
print("headings 0 and 0.2, the second as", found)
assert np.allclose(found["q"], 0.1), "the mean of equal signs has changed"
assert abs(found["-q"][0]) > 3, "the sign no longer matters"
assert np.isclose(found["-q"][1], 0.1), "the way round fails"
logged = Rotation.from_euler("z", [[179], [181]], degrees=True).as_quat(canonical=True)
print("179 and 181 degrees as scipy writes them", logged.round(3).tolist())
assert logged[0, 2] * logged[1, 2] < 0, "logs no longer change the sign"
PY
