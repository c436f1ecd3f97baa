#!/usr/bin/env bash
# ikpy moves the tip of an arm of 1 m to 2 m when its joint turns about the axis 0 0 2, and to 1.41 m about 0 1 1.
#
# Versions: ikpy 4.2.1, scipy 1.17.1, numpy 2.4.6.
# One would guess: an axis is a direction, so 0 0 2 is 0 0 1, or the link is refused. Nothing is said of a length of
#   1.
# What happens: the axis is put into the formula for a rotation as it is, and what comes out is no rotation. It turns
#   and stretches all that lies behind the joint, with no error or warning. A slide along 0 0 2 goes twice as far.
# Seen: a quarter turn of an arm of 1 m. Axis 0 0 1: tip at 0, 1, 0. Axis 0 0 2: 0, 2, 0, and a determinant of 16.
#   Axis 0 1 1: 0, 1, -1, where it is 0, 0.71, -0.71. Half a turn about 0 1 1: determinant 3. A slide of 0.5 m along 0
#   0 2 is one of 1 m. A chain from a URDF file does the same.
# Why it matters: axes between two coordinates, such as 0 1 1, are written so by hand. The robot is then said to reach
#   an obstacle that it cannot reach, or the distance to a person is wrong, and it is right at an angle of 0.
# Way round: divide each axis by its length, in the file or before `URDFLink`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq ikpy==4.2.1 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
from ikpy.chain import Chain
from ikpy.link import OriginLink, URDFLink
from scipy.spatial.transform import Rotation

print({name: version(name) for name in ("ikpy", "scipy", "numpy")})
MASK = [False, True, False]


def arm(axis, kind="revolute"):
    moves = {"rotation": axis} if kind == "revolute" else {"translation": axis}
    joint = URDFLink("joint", [0, 0, 0], [0, 0, 0], joint_type=kind, **moves)
    tip = URDFLink("tip", [1, 0, 0], [0, 0, 0], joint_type="fixed")
    return Chain([OriginLink(), joint, tip], active_links_mask=MASK)


def from_file(axis):
    with open("arm.urdf", "w") as file:
        file.write(f"""<robot name="arm"><link name="base_link"/><link name="upper"/><link name="tip"/>
<joint name="joint" type="revolute"><parent link="base_link"/><child link="upper"/>
<axis xyz="{' '.join(map(str, axis))}"/><limit lower="-4" upper="4" effort="1" velocity="1"/></joint>
<joint name="end" type="fixed"><parent link="upper"/><child link="tip"/><origin xyz="1 0 0"/></joint></robot>""")
    return Chain.from_urdf_file("arm.urdf", active_links_mask=MASK)


def tip(chain, angle):
    return chain.forward_kinematics([0, angle, 0])


def right(axis, angle):
    direction = np.array(axis) / np.linalg.norm(axis)
    return Rotation.from_rotvec(angle * direction).as_matrix()


for axis in ([0, 0, 1], [0, 0, 2], [0, 1, 1]):
    for angle in (0, np.pi / 2, np.pi):
        pose, truth = tip(arm(axis), angle), right(axis, angle)
        same_file = tip(from_file(axis), angle)
        print("axis", axis, "angle", round(angle, 2), "tip", (pose[:3, 3].round(2) + 0).tolist(), "determinant",
              round(np.linalg.det(pose[:3, :3]), 2), "right", (truth[:, 0].round(2) + 0).tolist())
        assert np.allclose(pose, same_file), "a file gives another tip now"
        unit = np.array(axis) / np.linalg.norm(axis)
        assert np.allclose(tip(arm(unit), angle)[:3, :3], truth), "the way round fails"
        assert np.allclose(pose[:3, :3], truth) == (axis == [0, 0, 1] or angle == 0), "axes are made to unit length now"
assert np.allclose(tip(arm([0, 0, 2]), np.pi / 2)[:3, 3], [0, 2, 0])
assert np.allclose(tip(arm([0, 1, 1]), np.pi / 2)[:3, 3], [0, 1, -1])
slide = tip(arm([0, 0, 2], "prismatic"), 0.5)[2, 3]
print("slide of 0.5 m along 0 0 2:", float(slide), "m")
assert slide == 1
PY
