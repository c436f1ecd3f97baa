#!/usr/bin/env bash
# Blosc2's `angle % (2 * pi)` leaves negative angles negative.
#
# Versions: blosc2 4.14.1, numpy 2.4.6.
# One would guess: `%` between arrays is NumPy's and Python's, whose result has the sign of the divisor.
# What happens: it is C's, with the sign of the left side, for floats and for integers. `//` is NumPy's, so that
#   `a // b * b + a % b` is not `a`.
# Seen: headings -3, -1, 1, 4 come back as they were; NumPy gives 3.28, 5.28, 1, 4. -5 % 2 is -1, -5 // 2 is -3.
# Why it matters: headings and phases are wrapped so, and indices into a ring buffer. The bins of a histogram over
#   [0, 2 pi) lose half of the headings.
# Way round: `(a % b + b) % b`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq blosc2==4.14.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import blosc2
import numpy as np

print({name: version(name) for name in ("blosc2", "numpy")})
turn = 2 * np.pi
headings = np.array([-3.0, -1.0, 1.0, 4.0])
wrapped = (blosc2.asarray(headings) % turn)[:]
print("Blosc2", wrapped.tolist(), "NumPy", (headings % turn).tolist())
assert np.array_equal(wrapped, headings), "negative angles are wrapped"
assert (headings % turn).min() >= 0

places = np.array([-5, 5])
left, right = blosc2.asarray(places), blosc2.asarray(np.array([2, 2]))
print("-5 % 2 and 5 % 2:", (left % right)[:].tolist(), "-5 // 2 and 5 // 2:", (left // right)[:].tolist())
assert (left % right)[:].tolist() == [-1, 1] and (left // right)[:].tolist() == [-3, 2], "both are of one kind"
again = ((blosc2.asarray(headings) % turn + turn) % turn)[:]
assert np.allclose(again, headings % turn), "the way round fails"
PY
