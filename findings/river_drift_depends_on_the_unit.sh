#!/usr/bin/env bash
# River's ADWIN finds a change in millimetres, and does not find it in metres.
#
# Versions: river 0.26.1, numpy 2.4.6.
# One would guess: a test whose only parameter is a probability of false alarms does not depend on the unit.
# What happens: one term of its bound is made for values from 0 to 1, and does not shrink with the data. Where
#   values are small it is larger than any change. Nothing is said about the range.
# Seen: a distance to the lane of 20 mm, noise 2 mm, becomes 40 mm at step 500 of 1,000. In millimetres the change
#   is found 11 steps later, in metres never.
# Why it matters: the monitor of an agent in use is silent, and silence reads as "no drift". Costs of a step, and
#   risks of rare accidents, are small numbers as well.
# Way round: divide by a typical spread, such as the standard deviation in the training data.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq river==0.26.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from river.drift import ADWIN

print({name: version(name) for name in ("river", "numpy")})


def found(values):
    detector, steps = ADWIN(), []
    for step, value in enumerate(values):
        detector.update(float(value))
        if detector.drift_detected:
            steps.append(step)
    return steps


millimetres = np.random.default_rng(0).normal(20, 2, 1000) + 20 * (np.arange(1000) >= 500)
in_millimetres, in_metres = found(millimetres), found(millimetres / 1000)
scaled = found(millimetres / 1000 / np.std(millimetres[:500] / 1000))
print("in millimetres", in_millimetres, "in metres", in_metres, "by the spread", scaled)
assert in_millimetres == [511], "the change is found at another step"
assert in_metres == [], "the change is found in metres now"
assert len(scaled) == 1 and 500 <= scaled[0] < 520, "the way round fails"
PY
