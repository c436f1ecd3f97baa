#!/usr/bin/env bash
# MuJoCo's `remove_from_beginning(5)` takes 5 s off a log that starts at 0, 3 s if it starts at 2, and 0 s if at 100.
#
# Versions: mujoco-core 4.0.0, scipy 1.17.1, numpy 2.4.6.
# One would guess: the first five seconds go. The docstring of `mujoco.sysid` says "Time to remove from the
#   beginning".
# What happens: the number is looked up among the time stamps as it is, and the first of them is not subtracted. If
#   all are later, nothing is removed. The result starts at 0 in any case, so it looks as if it had been cut. No error
#   or warning.
# Seen: 20 steps, one a second. 15 are left if the log starts at 0, 17 if at 2, and 20 if at 100 or at Unix time
#   1700000000. All four start at 0.0.
# Why it matters: the calls are there to leave out the first seconds, in which the robot is still held or the sensors
#   warm up. Logs of robots have the time of the day or of the boot, so these seconds stay, and masses and frictions
#   are fitted to them.
# Way round: `remove_from_beginning(log.times[0] + 5)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq "mujoco-core[sysid]==4.0.0" scipy==1.17.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import mujoco
import numpy as np
from mujoco.sysid import TimeSeries

print({"mujoco": mujoco.__version__} | {name: version(name) for name in ("scipy", "numpy")})
steps = np.arange(20.0)
left = {}
for start in (0.0, 2.0, 100.0, 1_700_000_000.0):
    log = TimeSeries(start + steps, steps[:, None])
    cut = log.remove_from_beginning(5)
    left[start] = len(cut)
    print("starts at", start, "steps left", len(cut), "first step", cut.data[0, 0], "first time", cut.times[0])
    assert cut.times[0] == 0
    assert len(cut) == np.sum(log.times >= 5), "the start of the log plays a part now"
    assert len(log.remove_from_beginning(start + 5)) == np.sum(log.times - start >= 5) == 15, "the way round fails"
assert list(left.values()) == [15, 17, 20, 20], "five seconds are five seconds now"
PY
