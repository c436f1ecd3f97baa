#!/usr/bin/env bash
# CasADi's lookup tables go on below zero beyond their last point with straight lines, and jump to 0 with splines.
#
# Versions: casadi 3.8.2, scipy 1.17.1, numpy 2.4.6.
# One would guess: an error as SciPy gives, or the last value, and the same for both kinds.
# What happens: "linear" continues the last piece without an end, and "bspline" is 0 outside the table. Neither warns.
# Seen: a grip that falls from 1.0 to 0.4 between 0 and 4 m/s. At 4 m/s both give 0.4. At 4.1 m/s it is 0.39 and 0.0,
#   at 10 m/s it is -0.2 and 0.0. SciPy refuses.
# Why it matters: tables of grip, drag and battery are part of models for control. A solver that tries a speed just
#   above the table sees a robot without grip, or one that its brakes push. It plans with that.
# Way round: limit the argument: `table(casadi.fmin(casadi.fmax(speed, 0), 4))`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq casadi==3.8.2 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import casadi
import numpy as np
from scipy.interpolate import RegularGridInterpolator

print({name: version(name) for name in ("casadi", "scipy", "numpy")})
speeds, grip = [0.0, 1.0, 2.0, 3.0, 4.0], [1.0, 0.8, 0.6, 0.5, 0.4]
asked = np.array([4.0, 4.1, 10.0])
tables = {kind: casadi.interpolant("grip", kind, [speeds], grip) for kind in ("linear", "bspline")}
seen = {kind: np.array([float(table(speed)) for speed in asked]) for kind, table in tables.items()}
print("at", asked, "m/s:", seen)
assert np.allclose(seen["linear"], [0.4, 0.39, -0.2]), "straight lines no longer go on"
assert np.allclose(seen["bspline"], [0.4, 0, 0]), "splines no longer end in 0"
try:
    RegularGridInterpolator([speeds], grip)([[4.1]])
except ValueError as error:
    print("SciPy:", error)
else:
    raise AssertionError("SciPy answers now")
for table in tables.values():
    limited = [float(table(casadi.fmin(casadi.fmax(speed, 0), 4))) for speed in asked]
    assert np.allclose(limited, 0.4), "the way round fails"
PY
