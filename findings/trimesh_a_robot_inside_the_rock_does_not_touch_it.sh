#!/usr/bin/env bash
# trimesh finds no collision for a robot that is wholly inside an obstacle, and puts it metres away, unless it is convex.
#
# Versions: trimesh 5.2.0, python-fcl 0.7.0.11, scipy 1.17.1, rtree 1.4.1, numpy 2.4.6.
# One would guess: a closed mesh is a solid body, as for `contains`: what is inside collides.
# What happens: FCL compares the triangles of a mesh that is not convex, and these do not touch. A convex mesh is
#   compared as a body. The documentation of the manager does not say so.
# Seen: a robot of 1 m in the wall, 9 m thick, of a closed ring. In its middle there is no collision, and the distance is
#   3.93 m. At the edge there is one. Inside a box of 10 m there is one as well, with a distance of -5.5 m.
# Why it matters: costs by such a check are right at the surface and 0 behind it. A robot that drives into a rock costs
#   something for a step or two, and is free from then on. Scans of rooms and terrain are hardly ever convex.
# Way round: check `obstacle.contains(points of the robot)` as well, or split the obstacle into convex parts.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq trimesh==5.2.0 python-fcl==0.7.0.11 scipy==1.17.1 rtree==1.4.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import trimesh

print({name: version(name) for name in ("trimesh", "python-fcl", "scipy", "rtree", "numpy")})
ring = trimesh.creation.annulus(r_min=1, r_max=10, height=10)
box = trimesh.creation.box(extents=[10, 10, 10])
robot = trimesh.creation.box(extents=[1, 1, 1])


def look(obstacle, x):
    manager = trimesh.collision.CollisionManager()
    manager.add_object("obstacle", obstacle)
    place = trimesh.transformations.translation_matrix([x, 0, 0])
    moved = robot.copy()
    moved.apply_transform(place)
    inside = bool(obstacle.contains(moved.vertices).all())
    hit = manager.in_collision_single(robot, place)
    distance = manager.min_distance_single(robot, place)
    print("convex" if obstacle.is_convex else "not convex", f"x {x}: hit {hit}, {distance:.2f} m, inside {inside}")
    return hit, round(distance, 2), inside


assert ring.is_watertight and not ring.is_convex and box.is_convex
assert look(box, 0) == (True, -5.5, True), "a convex obstacle is judged otherwise"
assert look(ring, 9.8)[0], "the edge is judged otherwise"
hit, distance, inside = look(ring, 5.5)
assert not hit and distance > 3, "a robot inside collides now"
assert inside, "the way round fails"
assert look(ring, 12)[::2] == (False, False), "a robot outside collides now"
PY
