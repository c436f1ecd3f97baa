#!/usr/bin/env bash
# lifelines goes on for ever with the last value of a survival curve: nobody collides after the data ends.
#
# Versions: lifelines 0.30.0, pandas 3.1.1, scipy 1.17.1, numpy 2.4.6.
# One would guess: NaN or an error beyond the longest episode, as the curve is not known there.
# What happens: `predict`, `survival_function_at_times` and `restricted_mean_survival_time` keep the last value of
#   Kaplan-Meier's curve at every later time. The interval is kept as well, and is no wider. No warning.
# Seen: 20 episodes, cut at 100 steps; every agent collides with the probability 0.01 a step. The mean of the steps
#   without a collision up to step 1,000 is 472; true is 100. The chance to survive a million steps is 0.45, with the
#   interval [0.23, 0.65].
# Why it matters: logs are short, drives are long. Two policies with episodes of different lengths are compared
#   at a time that only one of them has reached, and the shorter log wins.
# Way round: no time later than `durations.max()`; a parametric model beyond.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq lifelines==0.30.0 pandas==3.1.1 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time

print({name: version(name) for name in ("lifelines", "pandas", "scipy", "numpy")})
collision = np.random.default_rng(0).geometric(0.01, 20)
steps = np.minimum(collision, 100)
curve = KaplanMeierFitter().fit(steps, collision <= 100)
last = float(curve.survival_function_.iloc[-1, 0])
late = float(curve.predict(1e6)), float(curve.survival_function_at_times(1e6).iloc[0])
mean = float(restricted_mean_survival_time(curve, t=1000))
print("longest episode", steps.max(), "survivors", last, "at a million steps", late, "mean up to 1,000", round(mean, 1))
print(curve.confidence_interval_.iloc[-1].round(2).tolist())
assert steps.max() == 100 and late == (last, last) and last > 0.2, "the curve is no longer continued"
assert abs(mean - restricted_mean_survival_time(curve, t=100) - 900 * last) < 1e-6 and mean > 250
PY
