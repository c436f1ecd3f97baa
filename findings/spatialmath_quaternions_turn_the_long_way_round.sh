#!/usr/bin/env bash
# spatialmath's quaternions turn through 340 degrees between headings that are 20 degrees apart; its matrices turn 20.
#
# Versions: spatialmath-python 1.1.18, scipy 1.16.3, numpy 2.4.6.
# One would guess: `interp` of two orientations takes the shorter way, in quaternions as in `SO3`, `SE3` and `SE2`.
# What happens: `UnitQuaternion.interp` interpolates between the numbers as they are, unless `shortest=True`. The other
#   classes take the shorter way. Its `angdist` is half of the angle, and that of `SO3` the whole one.
# Seen: from 170 to -170 degrees: half way, the quaternion looks at 0 and the matrices look at 180. The distance of
#   headings 10 and 20 is 5 degrees for quaternions, 10 for `SO3`.
# Why it matters: a log of a robot that drives west is resampled from 10 Hz to 50 Hz. The robot now spins round once, in
#   five frames. A limit on the turn per step is kept at twice the turn.
# Way round: `interp(..., shortest=True)`, or `.SO3()` before.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq spatialmath-python==1.1.18 scipy==1.16.3 numpy==2.4.6
MPLBACKEND=agg venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from spatialmath import SE2, SE3, SO3, UnitQuaternion

print({name: version(name) for name in ("spatialmath-python", "scipy", "numpy")})
QUARTERS = (0, 0.25, 0.5, 0.75, 1)


def heading(pose):
    """The heading in degrees, from 0 to 360."""
    angle = pose.theta("deg") if isinstance(pose, SE2) else pose.rpy("deg")[2]
    return round(float(angle) % 360)


def turns(begin, end, **options):
    return [heading(begin.interp(end, part, **options)) for part in QUARTERS]


seen = {
    name: turns(make(170), make(-170), **options)
    for name, make, options in (
        ("UnitQuaternion", lambda angle: UnitQuaternion.Rz(angle, unit="deg"), {}),
        ("shortest", lambda angle: UnitQuaternion.Rz(angle, unit="deg"), {"shortest": True}),
        ("SO3", lambda angle: SO3.Rz(angle, unit="deg"), {}),
        ("SE3", lambda angle: SE3.Rz(angle, unit="deg"), {}),
        ("SE2", lambda angle: SE2(0, 0, angle, unit="deg"), {}),
    )
}
distances = {
    kind.__name__: round(float(np.degrees(kind.Rz(10, unit="deg").angdist(kind.Rz(20, unit="deg")))), 3)
    for kind in (UnitQuaternion, SO3)
}
print(seen, distances)
assert seen["UnitQuaternion"] == [170, 85, 0, 275, 190], "quaternions take another way now"
assert all(seen[name] == [170, 175, 180, 185, 190] for name in ("shortest", "SO3", "SE3", "SE2"))
assert distances == {"UnitQuaternion": 5, "SO3": 10}, "a distance is another now"
PY
