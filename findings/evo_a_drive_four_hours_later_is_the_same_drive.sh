#!/usr/bin/env bash
# evo calls two drives equal that are four hours and 50 metres apart.
#
# Versions: evo 1.38.1, rosbags 0.11.9, scipy 1.17.1, pandas 3.1.1, numpy 2.4.6.
# One would guess: `==` of two trajectories is True when they hold the same poses at the same times, up to rounding.
# What happens: it is NumPy's `allclose` with its relative tolerance, a hundred-thousandth of the number. For times in
#   seconds since 1970 that is 4.7 hours, for a northing of 5,800,000 m it is 58 m. The method has no docstring.
# Seen: a drive of 5 s, and one that starts 4 h later and 50 m farther north: `==` is True, `!=` is False. With times
#   and places from zero on, a tenth of a second or 5 cm makes them differ.
# Why it matters: logs are compared to find copies and to check a conversion. In the usual units every drive of a
#   morning on one street is a copy of the first, and a conversion that is hours off passes.
# Way round: compare `timestamps` and `positions_xyz` with a tolerance of one's own and `rtol=0`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HOME=$work
python3 -m venv venv
venv/bin/pip install -qq evo==1.38.1 rosbags==0.11.9 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from evo.core.trajectory import PoseTrajectory3D

print({name: version(name) for name in ("evo", "rosbags", "scipy", "pandas", "numpy")})
steps = np.arange(50)
path = np.column_stack([steps * 1.0, np.sin(0.2 * steps), np.zeros(50)])
straight = np.tile([1.0, 0.0, 0.0, 0.0], (50, 1))


def drive(start, place):
    return PoseTrajectory3D(path + place, straight, start + 0.1 * steps)


street, north = np.array([500_000.0, 5_800_000.0, 0.0]), np.array([0.0, 50.0, 0.0])
morning, noon = drive(1.7e9, street), drive(1.7e9 + 4 * 3600, street + north)
print("four hours and 50 m apart:", "==", morning == noon, "!=", morning != noon)
assert morning == noon and not morning != noon, "they differ now"

first = drive(0.0, np.zeros(3))
print("from zero, 0.1 s apart:", first == drive(0.1, np.zeros(3)), "5 cm apart:", first == drive(0.0, north / 1000))
assert first != drive(0.1, np.zeros(3)) and first != drive(0.0, north / 1000), "the control has changed"
assert first == drive(0.0, np.zeros(3))


def same(left, right):
    return np.allclose(left.timestamps, right.timestamps, rtol=0, atol=1e-3) and np.allclose(
        left.positions_xyz, right.positions_xyz, rtol=0, atol=1e-3
    )


assert same(morning, drive(1.7e9, street)) and not same(morning, noon), "the way round fails"
PY
