#!/usr/bin/env bash
# pyquaternion's slerp turns the sign of the quaternion that it is given round, and the log it came from has changed.
#
# Versions: pyquaternion 0.9.9, numpy 2.4.6.
# One would guess: a function that returns a pose between two others leaves both as they are.
# What happens: the ends are scaled to length 1 in place, as documented. Where the two lie on different sides, the first
#   one is replaced by its negative, in place too, which is not documented.
# Seen: eight headings from 110 to 250 degrees, written with w > 0 as drivers do. After the middle of each step was
#   computed, the row at 170 degrees is (-0.09, -1.0) in w and z, and was (0.09, 1.0). The middles are right.
# Why it matters: rows of a log change because somebody drew a smooth path, and depend on whether it was drawn before.
#   Networks that see the four numbers see another state. nuScenes' tools hand out such objects.
# Way round: `Quaternion.slerp(Quaternion(first), Quaternion(second), amount)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pyquaternion==0.9.9 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from pyquaternion import Quaternion

print({name: version(name) for name in ("pyquaternion", "numpy")})


def drive():
    """Headings from 110 to 250 degrees, as quaternions with a w of at least 0."""
    turned = [Quaternion(axis=[0, 0, 1], degrees=degrees) for degrees in range(110, 251, 20)]
    return [-q if q.w < 0 else q for q in turned]


def numbers(log):
    return np.array([q.elements for q in log])


log = drive()
before = numbers(log)
middles = [Quaternion.slerp(a, b, 0.5) for a, b in zip(log, log[1:])]
after = numbers(log)
print("w, z before", before[:, [0, 3]].round(2).tolist())
print("w, z after ", after[:, [0, 3]].round(2).tolist())
changed = ~np.isclose(before, after).all(1)
print("changed rows", changed.nonzero()[0], "middles", [round(q.degrees % 360) for q in middles])
assert np.allclose(after[changed], -before[changed]) and changed.sum() >= 1, "the log stays as it was now"
log = drive()
copies = [Quaternion.slerp(Quaternion(a), Quaternion(b), 0.5) for a, b in zip(log, log[1:])]
assert np.array_equal(numbers(log), before), "the way round fails"
assert all(Quaternion.absolute_distance(a, b) < 1e-9 for a, b in zip(middles, copies)), "the way round fails"
PY
