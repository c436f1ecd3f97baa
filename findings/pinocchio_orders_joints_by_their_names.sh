#!/usr/bin/env bash
# Pinocchio and MuJoCo read the joints of one URDF in two orders, and neither is that of the file.
#
# Versions: pin 4.1.0, mujoco 4.0.0, numpy 2.4.6.
# One would guess: joints are numbered as the file has them, or at least as the tree has them, in both.
# What happens: Pinocchio takes the children of a link by the alphabet of their joints, so `joint10` comes before
#   `joint2`. MuJoCo goes down one branch before the next. For a joint without limits Pinocchio has two numbers, cosine
#   and sine, and MuJoCo one angle.
# Seen: file: shoulder, drive, grip. Pinocchio: drive, shoulder, grip, with 4 positions. MuJoCo: shoulder, grip, drive,
#   with 3. With `drive` renamed to `wheel`, Pinocchio's order is MuJoCo's. A base with joint2 and joint10: 10, 2 in
#   Pinocchio.
# Why it matters: a log of joint angles has no names in most formats. Angles from one program then bend other joints in
#   the other one, and where all joints are alike nothing fails.
# Way round: write the names into the log, and sort by `model.names` and by `model.joint(i).name`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pin==4.1.0 mujoco==4.0.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import mujoco
import pinocchio

print({name: version(name) for name in ("pin", "mujoco", "numpy")})
LINK = """<link name="{}"><inertial><mass value="1"/><inertia ixx=".1" iyy=".1" izz=".1" ixy="0" ixz="0" iyz="0"/>
</inertial></link>"""
JOINT = """<joint name="{}" type="{}"><parent link="{}"/><child link="{}"/><origin xyz="0 0 .2"/><axis xyz="1 0 0"/>
<limit lower="-1" upper="1" effort="5" velocity="1"/></joint>"""


def orders(*joints):
    """Names of joints in Pinocchio and MuJoCo, and the numbers of their positions."""
    links = "".join(map(LINK.format, ["base", *(child for *_, child in joints)]))
    robot = f'<robot name="robot">{links}{"".join(JOINT.format(*joint) for joint in joints)}</robot>'
    one, other = pinocchio.buildModelFromXML(robot), mujoco.MjModel.from_xml_string(robot)
    seen = list(one.names)[1:], one.nq, [other.joint(k).name for k in range(other.njnt)], other.nq
    print([name for name, *_ in joints], "Pinocchio", *seen[:2], "MuJoCo", *seen[2:])
    return seen


def robot(wheel):
    return orders(
        ("shoulder", "revolute", "base", "arm"),
        (wheel, "continuous", "base", "disc"),
        ("grip", "prismatic", "arm", "hand"),
    )


order = ["shoulder", "grip", "drive"]
assert robot("drive") == (["drive", "shoulder", "grip"], 4, order, 3), "the order is another now"
assert robot("wheel")[0] == ["shoulder", "grip", "wheel"], "names do not decide now"
two = orders(("joint2", "revolute", "base", "left"), ("joint10", "revolute", "base", "right"))
assert two[0] == ["joint10", "joint2"] and two[2] == ["joint2", "joint10"], "10 comes after 2 now"
PY
