#!/usr/bin/env bash
# Blosc2 divides 1 collision by 20 steps to 0.0 when both arrays hold integers.
#
# Versions: blosc2 4.14.1, numpy 2.4.6.
# One would guess: `/` between arrays is true division as in NumPy, the more so as the result's type is float64.
# What happens: two compressed arrays of integers are divided in whole numbers, and the result is then stored as
#   float. An array divided by a plain number, and the same expression on NumPy arrays, are divided truly.
# Seen: collisions 5, 7, 1, 0 by steps 2, 2, 20, 3: 2.0, 3.0, 0.0, 0.0 with the mean 1.25; NumPy has 2.5, 3.5, .05,
#   0.0 and 1.5125. All eight integer types do this.
# Why it matters: counts are integers. A rate of accidents below 1 is 0 for every episode, and the column of
#   floats looks like a measured one.
# Way round: `collisions * 1.0 / steps`.
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
collisions, steps = np.array([5, 7, 1, 0]), np.array([2, 2, 20, 3])
for dtype in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
    left, right = (blosc2.asarray(values.astype(dtype)) for values in (collisions, steps))
    rates = (left / right)[:]
    assert rates.dtype.kind == "f" and rates.tolist() == [2.0, 3.0, 0.0, 0.0], "integers are divided truly"
    assert (left / right).mean() == 1.25, "integers are divided truly"
    assert np.allclose((left / 2)[:], collisions / 2), "division by a number is cut as well"
    assert np.allclose((left * 1.0 / right)[:], collisions / steps), "the way round fails"
print("Blosc2", rates.tolist(), rates.dtype, "NumPy", (collisions / steps).tolist())
on_numpy = blosc2.lazyexpr("a / b", {"a": collisions, "b": steps})[:]
print("the same expression on NumPy arrays", on_numpy.tolist())
assert np.allclose(on_numpy, collisions / steps)
PY
