#!/usr/bin/env bash
# CommonRoad's resampling turns a car through the whole circle where its heading passes from 178 to -178 degrees.
#
# Versions: commonroad-io 2026.1, shapely 2.2.0, numpy 2.4.6.
# One would guess: `Trajectory.resample_continuous_time_state_list` interpolates orientations as angles. The package has
#   `subtract_orientations`, and keeps its states' orientations in a range that wraps.
# What happens: an orientation is interpolated as any other number, so it passes 0 on its way from 3.1 to -3.1.
# Seen: a car of 4.5 m by 2 m drives west, and its heading changes by 0.08 between two steps 0.1 s apart. Resampled to
#   0.025 s it heads 3.1, 1.55, 0, -1.55, -3.1: across the road at steps 1 and 3, and east at step 2. It
#   overlaps a parked car which it passes in the log at a distance of 0.4 m.
# Why it matters: costs of collisions are counted on resampled logs. Every car that drives towards -x can hit its
#   neighbours there; cars that drive towards +x do not.
# Way round: make the orientations continuous with `numpy.unwrap` before resampling.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq commonroad-io==2026.1 shapely==2.2.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from commonroad.geometry.obstacle_shapes.rect_obstacle_shape import RectObstacleShape
from commonroad.scenario.state import KSState
from commonroad.scenario.trajectory import Trajectory

print({name: version(name) for name in ("commonroad-io", "shapely", "numpy")})


CAR = RectObstacleShape(width=2.0, length=4.5)


def state(step, place, side, heading):
    position = np.array([place, side])
    return KSState(time_step=step, position=position, velocity=10.0, orientation=heading, steering_angle=0.0)


def room(state):
    return CAR.compute_occupancy_for_state(state).shapely_object


def resampled(headings):
    states = [state(step, -float(step), 0.0, float(heading)) for step, heading in enumerate(headings)]
    return Trajectory.resample_continuous_time_state_list(states, np.array([0, 0.1]), 0.025, 4).state_list


parked = room(state(0, -0.25, 2.5, 0.0))
headings = np.array([3.1, -3.1])
logged = [state(0, 0.0, 0.0, 3.1), state(1, -1.0, 0.0, -3.1)]
unwrapped = resampled(np.unwrap(headings))
for name, states in (("logged", logged), ("resampled", resampled(headings)), ("unwrapped", unwrapped)):
    gap = min(room(one).distance(parked) for one in states)
    print(name, "headings", [round(float(one.orientation), 2) for one in states], f"gap {gap:.2f} m")
    if name == "resampled":
        assert np.allclose([one.orientation for one in states], [3.1, 1.55, 0, -1.55, -3.1]), "headings are angles now"
        assert gap == 0
    else:
        assert 0.4 < gap < 0.5, "the way round fails"
PY
