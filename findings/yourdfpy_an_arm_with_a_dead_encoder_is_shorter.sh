#!/usr/bin/env bash
# yourdfpy takes a joint without an angle (NaN) out of the arm: the hand of an arm of 2 m is 1 m from the shoulder.
#
# Versions: yourdfpy 0.0.60, trimesh 5.2.0, numpy 2.4.6.
# One would guess: the pose of each link behind the joint is NaN, as the product of the matrices is, or the angle is
#   refused.
# What happens: trimesh's scene graph leaves a matrix with NaN out of a chain of two or more, as if it was the
#   identity. So not only the angle is lost, but the length before the joint too. All poses are finite, but for a link
#   that hangs on the base itself. No error or warning.
# Seen: an arm of two parts of 1 m each, held to the side (90 degrees, 0). The hand is at (0, 2). With an elbow of NaN
#   it is at (0, 1), exactly where the elbow is, and the lower arm begins in the shoulder. With a shoulder of NaN the
#   hand is at (2, 0), as for 0 degrees.
# Why it matters: distances to people and obstacles, and costs, are computed from such poses. An encoder that fails
#   gives NaN, and the hand is then far from where it is, with nothing that a check for NaN would find. Positions look
#   possible.
# Way round: `assert numpy.isfinite(angles).all()` before `update_cfg`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq yourdfpy==0.0.60 trimesh==5.2.0 numpy==2.4.6
cat >arm.urdf <<'XML'
<robot name="arm">
  <link name="base"/><link name="upper"/><link name="lower"/><link name="hand"/>
  <joint name="shoulder" type="revolute">
    <parent link="base"/><child link="upper"/><axis xyz="0 0 1"/>
    <limit lower="-3" upper="3" effort="1" velocity="1"/>
  </joint>
  <joint name="elbow" type="revolute">
    <parent link="upper"/><child link="lower"/><origin xyz="1 0 0"/><axis xyz="0 0 1"/>
    <limit lower="-3" upper="3" effort="1" velocity="1"/>
  </joint>
  <joint name="wrist" type="fixed"><parent link="lower"/><child link="hand"/><origin xyz="1 0 0"/></joint>
</robot>
XML
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
from trimesh.scene.transforms import SceneGraph
from yourdfpy import URDF

print({name: version(name) for name in ("yourdfpy", "trimesh", "numpy")})
arm = URDF.load("arm.urdf", load_meshes=False)
side = np.pi / 2


def places(shoulder, elbow):
    """Where the lower arm begins and where the hand is, by yourdfpy."""
    arm.update_cfg([shoulder, elbow])
    poses = {name: arm.get_transform(name, "base") for name in ("upper", "lower", "hand")}
    assert np.isnan(poses["upper"]).any() == np.isnan(shoulder)
    return [poses[name][:2, 3].round(3).tolist() for name in ("lower", "hand")]


def turned(angle, along):
    """Matrix of a shift along x and a turn about z after it."""
    matrix = np.eye(4)
    matrix[0, 3] = along
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return matrix


def by_hand(shoulder, elbow):
    lower = turned(shoulder, 0) @ turned(elbow, 1)
    return [matrix[:2, 3].round(3).tolist() for matrix in (lower, lower @ turned(0, 1))]


for angles in ((side, 0.0), (side, np.nan), (np.nan, 0.0)):
    print("angles", angles, "lower arm and hand:", places(*angles), "by hand:", by_hand(*angles))
assert places(side, 0.0) == by_hand(side, 0.0) == [[0, 1], [0, 2]]
assert places(side, np.nan) == [[0, 0], [0, 1]], "an elbow of NaN is another now"
assert places(np.nan, 0.0) == [[1, 0], [2, 0]], "a shoulder of NaN is another now"
assert np.isnan(by_hand(side, np.nan)[1]).all() and np.isnan(by_hand(np.nan, 0.0)[1]).all()
graph = SceneGraph(base_frame="base")
graph.update("middle", "base", matrix=turned(0, 1))
graph.update("end", "middle", matrix=turned(np.nan, 1))
assert (graph.get("end")[0] == turned(0, 1)).all(), "trimesh alone is another now"
PY
