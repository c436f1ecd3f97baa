#!/usr/bin/env bash
# laspy rounds points to whole centimetres before they are written, and reflections below 1 to 0.
#
# Versions: laspy 2.7.0, numpy 2.4.6.
# One would guess: `las.x = points` keeps float64 coordinates, to a millimetre or better, as a LAS file can hold them.
#   Intensities of 0.75 are kept, or refused.
# What happens: LAS stores integers and a scale. laspy's new files have the scale 0.01, and setting a coordinate rounds
#   to it in memory already. Values for integer fields are cut.
# Seen: a lidar's 1,000 points on a wall at 2.002 m, with noise of 0.5 mm, all lie at exactly 2.00 m. Their deviation is
#   0. A finger of 4 mm before the wall has the same place as the wall. Intensities from 0 to 0.999 are all 0.
# Why it matters: distances of a gripper, and costs of contact computed from them, change by up to 5 mm. All points of
#   a small object share three values.
# Way round: `header.scales = [0.0001] * 3` before the first point is set, and intensities times 65,535.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq laspy==2.7.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import laspy
import numpy as np

print({name: version(name) for name in ("laspy", "numpy")})
rng = np.random.default_rng(0)
wall = 2.002 + rng.normal(0, 0.0005, 1000)
finger = np.full(1000, 1.998)


def kept(depths, scale=None):
    """Depths and intensities, as set in memory and as read from the file."""
    header = laspy.LasHeader(point_format=3, version="1.2")
    if scale is not None:
        header.scales = np.full(3, scale)
    las = laspy.LasData(header)
    las.x, las.y, las.z = depths, np.zeros(1000), np.zeros(1000)
    las.intensity = np.linspace(0, 0.999, 1000)
    las.write("points.las")
    back = laspy.read("points.las")
    assert np.array_equal(las.x, back.x)
    return np.array(back.x), np.array(back.intensity)


depths, intensities = kept(wall)
print("wall", wall.mean().round(4), "+-", wall.std().round(5), "kept as", np.unique(depths), "+-", depths.std())
assert np.array_equal(np.unique(depths), [2.0]) and depths.std() == 0, "coordinates keep millimetres now"
assert np.array_equal(kept(finger)[0], depths), "4 mm make a difference now"
print("intensities up to 0.999 kept as", np.unique(intensities))
assert not intensities.any(), "intensities are not cut now"
fine, _ = kept(wall, 0.0001)
print("with a scale of 0.0001:", fine.mean().round(4), "+-", fine.std().round(5))
assert np.abs(fine - wall).max() <= 0.00005001, "the way round fails"
PY
