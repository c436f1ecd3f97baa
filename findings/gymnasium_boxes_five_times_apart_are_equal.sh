#!/usr/bin/env bash
# Gymnasium calls two Box spaces equal although one's bounds are five times the other's.
#
# Versions: gymnasium 1.4.0, numpy 2.4.6.
# One would guess: equality means equal bounds, or bounds equal up to a relative rounding error.
# What happens: bounds are compared by `numpy.allclose`, whose absolute tolerance is 1e-8 in any unit.
#   It is not symmetric either: a tolerance relative to the right-hand side only.
# Seen: [-5e-9, 5e-9] == [-1e-9, 1e-9], and a point of the first is not contained in the second.
#   [0, 100000] == [0, 100001] is true, [0, 100001] == [0, 100000] as well.
# Why it matters: quantities in SI units (currents in A, charges, micrometres in m) and unbounded counters.
#   Loaders of datasets and models compare spaces to refuse a mismatch; they let this one pass.
# Way round: compare `low` and `high` by `numpy.array_equal`, or scale units to about 1.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from gymnasium.spaces import Box

print({name: version(name) for name in ("gymnasium", "numpy")})
wide = Box(-5e-9, 5e-9, (1,), np.float64)
narrow = Box(-1e-9, 1e-9, (1,), np.float64)
print("equal:", wide == narrow, "contained:", narrow.contains(wide.high))
assert wide == narrow and narrow == wide, "the small boxes are no longer equal"
assert not narrow.contains(wide.high), "a point outside is now contained"
large, larger = Box(0, 100000, (1,), np.float64), Box(0, 100001, (1,), np.float64)
assert large == larger and larger == large, "bounds one apart are no longer equal"
assert not large.contains(larger.high)
assert not np.array_equal(wide.low, narrow.low), "the way round fails"
PY
