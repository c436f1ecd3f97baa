#!/usr/bin/env bash
# OSQP calls a point "solved" that lies 1.3 km outside of its bounds when coordinates are those of a map.
#
# Versions: osqp 1.1.3, scipy 1.17.1, numpy 2.4.6.
# One would guess: bounds hold up to about 0.001, the tolerance, wherever the origin lies.
# What happens: the tolerance is eps_abs + eps_rel * the largest number in the constraints, each 0.001 by default. A
#   northing of 5,800,000 m makes it 5.8 km. The documentation gives the formula, and there is no warning.
# Seen: a car may move 50 m forward or back and wants to go 100 m on. With the car at 0 the answer is 49.999 m. With the
#   car at 5,800,000 m it is 1,339 m back. The status is "solved" both times, after 25 steps.
# Why it matters: filters for safe actions and planners give limits as such bounds, in positions of the map. What is
#   checked before driving is the status.
# Way round: positions relative to the robot. Or eps_rel=1e-9 with eps_abs=1e-6, and a look at `r.info.prim_res`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq osqp==1.1.3 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import osqp
from scipy import sparse

print({name: version(name) for name in ("osqp", "scipy", "numpy")})


def move(car, **tolerances):
    """Go as near as possible to 100 m ahead, at most 50 m away."""
    problem = osqp.OSQP()
    cost = sparse.csc_matrix([[2.0]]), np.array([-2 * (car + 100.0)])
    bounds = sparse.csc_matrix([[1.0]]), np.array([car - 50.0]), np.array([car + 50.0])
    problem.setup(*cost, *bounds, verbose=False, **tolerances)
    found = problem.solve()
    print(f"car at {car:.0f} m: {found.info.status}, moved {found.x[0] - car:.3f} m, {tolerances}")
    return found.info.status, found.x[0] - car


status, moved = move(0.0)
assert status == "solved" and 49.99 < moved < 50.01, "the small problem has changed"
status, moved = move(5_800_000.0)
assert status == "solved" and abs(moved) > 150, "the bounds hold now"
status, moved = move(5_800_000.0, eps_rel=1e-9, eps_abs=1e-6)
assert status == "solved" and 49.99 < moved < 50.01, "the way round fails"
PY
