#!/usr/bin/env bash
# nuScenes' devkit leaves what is closest to the camera out of the picture: the car beside it, and a person at 60 cm.
#
# Versions: nuscenes-devkit 1.2.0, pyquaternion 0.9.9, numpy 1.26.4.
# One would guess: what is written at `BoxVisibility.ANY`: "at least one corner visible in the image".
# What happens: with ANY, all eight corners must lie more than 10 cm in front of the camera as well, and the one that is
#   seen more than a metre. Neither is said. `NuScenes.get_sample_data` picks its boxes by ANY unless told otherwise.
# Seen: a camera of 640 x 480 pixels. A car of 4.5 m on the next lane is found while its middle is 2.5 m ahead and more.
#   At 2, 1.5 and 1 m it is not, with four corners in the picture as before: its rear is level with the camera. A person
#   is found at 0.9 m, and not at 0.6 m, with two corners in the picture.
# Why it matters: a count of people in the picture, or a cost for coming near, is 0 where it should be the highest. A
#   log of a robot in a corridor loses just the frames before a touch.
# Way round: count corners by `view_points` where their depth is above 0, or use `BoxVisibility.NONE` and a distance.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pyquaternion==0.9.9 matplotlib==3.10.9 scikit-learn==1.7.2 scipy==1.14.1 tqdm==4.70.1 \
  cachetools==6.2.1 opencv-python-headless==4.11.0.86 numpy==1.26.4
venv/bin/pip install -qq --no-deps nuscenes-devkit==1.2.0
MPLBACKEND=agg venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from nuscenes.utils.data_classes import Box
from nuscenes.utils.geometry_utils import BoxVisibility, box_in_image, view_points
from pyquaternion import Quaternion

print({name: version(name) for name in ("nuscenes-devkit", "pyquaternion", "numpy")})
SIZE, LENS = (640, 480), np.array([[300.0, 0.0, 320.0], [0.0, 300.0, 240.0], [0.0, 0.0, 1.0]])
FORWARD = Quaternion(0.5, -0.5, 0.5, -0.5)  # of a camera that looks ahead, seen from the car
HEIGHT = 1.5


def look(ahead, left, size):
    """Corners in the picture, and whether the devkit finds the box that stands on the ground there."""
    width, length, height = size
    box = Box([ahead, left, height / 2], [width, length, height], Quaternion())
    box.translate(-np.array([0.0, 0.0, HEIGHT]))
    box.rotate(FORWARD.inverse)
    corners = box.corners()
    front = corners[:, corners[2] > 0]
    across, down = view_points(front, LENS, normalize=True)[:2]
    seen = int(np.sum((across > 0) & (across < SIZE[0]) & (down > 0) & (down < SIZE[1])))
    return seen, bool(box_in_image(box, LENS, SIZE, BoxVisibility.ANY))


car = {middle: look(middle, 2.5, (1.8, 4.5, 1.5)) for middle in np.arange(14.0, 0.0, -0.5)}
person = {distance: look(distance, 0.0, (0.4, 0.4, 1.0)) for distance in (0.6, 0.9, 2.0, 5.0)}
print("car", car)
print("person", person)
assert all(found and corners >= 4 for middle, (corners, found) in car.items() if middle >= 2.5), "a car ahead is lost"
assert all(car[middle] == (4, False) for middle in (2.0, 1.5, 1.0)), "a car beside the camera is found now"
assert person[0.9][1] and person[2.0][1] and person[5.0][1], "a person further away is lost"
assert person[0.6] == (2, False), "a person at 60 cm is found now"
PY
