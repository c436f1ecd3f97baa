#!/usr/bin/env bash
# PyBullet brakes every body with the square of its speed: nothing falls faster than 15.2 m/s.
#
# Versions: pybullet 3.2.7, numpy 2.4.6.
# One would guess: the default `linearDamping` of 0.04 takes 4% of the speed a second, as in Bullet's rigid bodies.
# What happens: PyBullet makes multi-bodies, whose damping has a second term that grows with the speed. The
#   deceleration is 0.04 v (1 + v), for v in m/s, of any mass and shape, and in vacuum.
# Seen: a sphere has fallen 1 s: 8.55 m/s, not 9.61 (damping of 4%) or 9.80 (none). After 10 s it falls at
#   15.2 m/s for good. A car-like box at 20 m/s without contact or gravity loses 0.7 m/s in 10 steps of 1/240 s.
# Why it matters: a driver's speeds of 20 m/s are braked by 17 m/s2, more than any brake gives. Dynamics that were
#   learned or identified from such data hold at low speeds only, and change with the units of length.
# Way round: `changeDynamics(body, -1, linearDamping=0, angularDamping=0)` for each body.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pybullet==3.2.7 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import pybullet

print({name: version(name) for name in ("pybullet", "numpy")})
pybullet.connect(pybullet.DIRECT)


def speed(start, gravity, steps, **dynamics):
    pybullet.resetSimulation()
    pybullet.setGravity(0, 0, -gravity)
    body = pybullet.createMultiBody(3, pybullet.createCollisionShape(pybullet.GEOM_SPHERE, radius=0.1))
    if dynamics:
        pybullet.changeDynamics(body, -1, **dynamics)
    pybullet.resetBaseVelocity(body, [start, 0, 0])
    for _ in range(steps):
        pybullet.stepSimulation()
    return float(np.linalg.norm(pybullet.getBaseVelocity(body)[0]))


fallen, final, driven = speed(0, 9.8, 240), speed(0, 9.8, 2400), speed(20, 0, 10)
print("after 1 s", fallen, "after 10 s", final, "from 20 m/s in 10 steps", driven)
assert abs(fallen - 8.55) < 0.02, "free fall has changed"
assert abs(0.04 * final * (1 + final) - 9.8) < 0.05, "the final speed has changed"
assert abs((20 - driven) * 24 - 0.04 * 19.7 * 20.7) < 0.5, "the braking has changed"
assert abs(speed(0, 9.8, 240, linearDamping=0) - 9.8) < 1e-6, "the way round fails"
PY
