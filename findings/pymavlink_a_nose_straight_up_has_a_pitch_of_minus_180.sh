#!/usr/bin/env bash
# pymavlink reads a pitch of 90 degrees back as -180, and one of 89.999999 as 89.999999.
#
# Versions: pymavlink 2.4.50, scipy 1.17.1, numpy 2.4.6.
# One would guess: `to_euler` of a matrix made by `from_euler` gives the same attitude, and a pitch from -90 to 90.
# What happens: where the nose points straight up, the pitch is set to -180 degrees, and straight down, to 180: half a
#   circle where a quarter is right. `Quaternion.euler` of such a matrix has it too. No error or warning.
# Seen: roll 10, pitch 90, yaw 20 becomes 10, -180, 20, and -90 becomes 180. The matrix of the answer has a nose that
#   points backwards on the horizon. `qpitch_p90` of a robot is -89 at a pitch of 1, and 180 when it is level.
# Why it matters: tail-sitters hover and rockets start at exactly 90 degrees, and logs round to hundredths. A cost of
#   a pitch beyond 95 degrees is then paid by a robot that stands as it should.
# Way round: `pitch = -math.asin(max(-1, min(1, matrix.c.x)))`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pymavlink==2.4.50 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
import math
from importlib.metadata import version
from types import SimpleNamespace

import numpy as np
from pymavlink import mavextra
from pymavlink.quaternion import Quaternion
from pymavlink.rotmat import Matrix3
from scipy.spatial.transform import Rotation

print({name: version(name) for name in ("pymavlink", "scipy", "numpy")})


def matrix(*degrees):
    made = Matrix3()
    made.from_euler(*np.radians(degrees).tolist())
    return made


def numbers(made):
    return np.array([[row.x, row.y, row.z] for row in (made.a, made.b, made.c)])


for pitch, read in ((89.999999, 89.999999), (90, -180), (-89.999999, -89.999999), (-90, 180)):
    made = matrix(10, pitch, 20)
    true = Rotation.from_euler("ZYX", (20, pitch, 10), degrees=True).as_matrix()
    assert np.allclose(numbers(made), true, atol=1e-12), "SciPy has another matrix"
    angles = np.degrees(made.to_euler())
    print("pitch", pitch, "is read as", angles.round(6).tolist())
    assert np.allclose(angles, (10, read, 20), atol=1e-6), "the pitch is another now"
    back = numbers(matrix(*angles))
    assert np.allclose(back, true, atol=1e-6) == (abs(read) < 90), "the attitude is another now"
    by_quaternion = math.degrees(Quaternion(made).euler[1])
    assert abs(by_quaternion - read) < 1e-5, "the quaternion has another pitch now"
    right = math.degrees(-math.asin(max(-1, min(1, made.c.x))))
    assert abs(right - pitch) < 1e-5, "the way round fails"
    if pitch == 90:
        noses = [(attitude[:, 0] + 0.0).round(3).tolist() for attitude in (true, back)]
        print("nose (north, east, down), and that of the answer:", *noses)
        assert np.allclose(true[:, 0], (0, 0, -1)), "the nose is not up"
        yaw = np.radians(20)
        assert np.allclose(back[:, 0], (-np.cos(yaw), -np.sin(yaw), 0)), "the nose of the answer points elsewhere now"
views = []
for pitch in (1, 0):
    half = math.radians(pitch) / 2
    robot = SimpleNamespace(Q1=math.cos(half), Q2=0.0, Q3=math.sin(half), Q4=0.0)
    assert abs(mavextra.qpitch(robot) - pitch) < 1e-9
    views.append(mavextra.qpitch_p90(robot))
print("pitch at a view of 90 degrees, of robots at 1 and at 0:", np.round(views, 6).tolist())
assert np.allclose(views, (-89, 180)), "the view at pitch 90 is another now"
PY
