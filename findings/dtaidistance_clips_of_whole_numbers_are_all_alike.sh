#!/usr/bin/env bash
# dtaidistance's fast matrix of distances is 0 between all clips whose values are whole numbers.
#
# Versions: dtaidistance 2.5.1, numpy 2.4.6.
# One would guess: `dtw.distance_matrix_fast` of integer arrays is that of the same numbers as floats, as it is by
#   `dtw.distance_matrix`. Otherwise an error, as `dtw.distance_fast` raises for integers.
# What happens: the C code reads the eight bytes of an int64 as those of a float64. Counts up to millions are numbers
#   below 1e-300 so, and their squared differences are 0. No warning.
# Seen: a robot that waits on the ground, one that climbs 20 steps, and one that comes down 20. The distances are 54 to
#   56 by the slow way, and all 0 by the fast one. One array of all clips is refused, as two clips alone are.
# Why it matters: counts, gears, classes and encoder ticks are integers. All clips are one cluster then, and the nearest
#   neighbour of each is the first.
# Way round: `array.astype(float)` for every clip.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq dtaidistance==2.5.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from dtaidistance import dtw

print({name: version(name) for name in ("dtaidistance", "numpy")})
steps = np.arange(21)
clips = [np.zeros(21, np.int64), steps, 20 - steps]
slow = dtw.distance_matrix(clips, use_c=False)
print("slow", slow.round(1).tolist())
fast = dtw.distance_matrix_fast(clips)
print("fast", fast.tolist())
assert fast.shape == (3, 3) and not fast.any(), "integers have distances now"
floats = dtw.distance_matrix_fast([clip.astype(float) for clip in clips])
print("fast, of floats", floats.round(1).tolist())
assert np.allclose(floats, slow) and slow[np.triu_indices(3, 1)].min() > 50, "the way round fails"
for way in (lambda: dtw.distance_fast(clips[0], clips[1]), lambda: dtw.distance_matrix_fast(np.array(clips))):
    try:
        way()
        raise SystemExit("it is not refused now")
    except ValueError as error:
        print("refused:", error)
PY
