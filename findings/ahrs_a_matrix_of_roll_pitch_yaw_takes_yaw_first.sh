#!/usr/bin/env bash
# AHRS builds two different rotations from one roll, pitch and yaw: as a quaternion and as a matrix.
#
# Versions: ahrs 0.4.0, scipy 1.17.1, numpy 2.4.6.
# One would guess: `Quaternion(rpy=angles).to_DCM()` and `DCM(rpy=angles)` are one rotation. Both say that they take
#   "roll, pitch, yaw".
# What happens: the matrix takes its first angle for yaw and its last for roll. A note among its examples says that
#   angles are given in reverse order; the list of parameters says roll, pitch, yaw. `to_angles` of the matrix gives
#   neither order back.
# Seen: a level car that heads 90 degrees to the left. The quaternion turns it to the left. The matrix rolls it onto
#   its side, and its upward axis lies level. For 10, 20, 30 degrees the two are 33 degrees apart.
# Why it matters: gravity and limits on tilt are computed from such matrices. A level car on a bend counts as
#   overturned, and one that rolls over as one that turns. For equal angles, or all 0, nothing shows.
# Way round: `Quaternion(rpy=angles).to_DCM()`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq ahrs==0.4.0 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from ahrs import DCM, Quaternion
from scipy.spatial.transform import Rotation

print({name: version(name) for name in ("ahrs", "scipy", "numpy")})


def apart(one, other):
    """The angle between two rotations, in degrees."""
    return np.degrees(np.arccos(np.clip((np.trace(one.T @ other) - 1) / 2, -1, 1)))


for degrees in ([0, 0, 90], [10, 20, 30], [20, 20, 20]):
    angles = np.radians(degrees)
    matrix = np.asarray(DCM(rpy=angles))
    quaternion = Quaternion(rpy=angles).to_DCM()
    right = Rotation.from_euler("xyz", angles).as_matrix()
    print(degrees, "ahead is", matrix[:, 0].round(2), "and", quaternion[:, 0].round(2), "by quaternion;", end=" ")
    print("up is", matrix[:, 2].round(2), "and", quaternion[:, 2].round(2), f"; {apart(matrix, quaternion):.1f} apart")
    assert np.allclose(quaternion, right), "the way round fails"
    assert np.allclose(matrix, np.asarray(Rotation.from_euler("xyz", angles[::-1]).as_matrix())), "another order now"
    assert (apart(matrix, quaternion) > 20) == (degrees != [20, 20, 20]), "the two are one rotation now"
level = DCM(rpy=np.radians([0, 0, 90]))
assert np.allclose(np.asarray(level)[:, 2], [0, -1, 0]), "up is up now"
back = np.degrees(DCM(rpy=np.radians([10, 20, 30])).to_angles())
print("angles of the matrix from 10, 20, 30:", back.round(1))
assert not np.allclose(sorted(back), [10, 20, 30], atol=1)
PY
