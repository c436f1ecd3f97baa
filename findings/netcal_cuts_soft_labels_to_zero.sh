#!/usr/bin/env bash
# netcal reports a calibration error of 0.5 for predictions that equal the soft labels.
#
# Versions: netcal 1.4.0, numpy 2.4.6.
# One would guess: 0 for p = y, or an error that labels must be 0 or 1, as scikit-learn raises.
# What happens: labels are cut to integers, so that 0.9 counts as 0 like 0.1. No warning.
# Seen: ECE of p = y = [0.2, 0.9, 0.4] is 0.5, the mean of p. With y = [0, 0, 0] it is the same number.
# Why it matters: shares of several annotators, or p_safe of one who was unsure, are soft labels. The
#   best calibrated model is reported as a bad one, and the model "always unsafe" as perfect.
# Way round: one row for each answer (0 or 1) with the same prediction.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq netcal==1.4.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from netcal.metrics import ECE

print({name: version(name) for name in ("netcal", "numpy")})
soft = np.array([0.2, 0.9, 0.4])
error = float(ECE(10).measure(soft, soft))
as_zero = float(ECE(10).measure(soft, np.zeros(3, int)))
always_unsafe = float(ECE(10).measure(np.full(3, 1e-9), soft))
print("p = y:", error, "y = 0:", as_zero, "p = 1e-9:", always_unsafe)
assert np.isclose(error, soft.mean()) and error == as_zero, "soft labels are no longer cut to 0"
assert always_unsafe < 1e-6, "the prediction 0 is no longer perfect"

answers = np.repeat([[1, 0, 0, 0, 0], [1, 1, 1, 1, 0], [1, 1, 0, 0, 0]], 2, axis=0)
rows = np.repeat(answers.mean(axis=1), 5)
assert np.isclose(float(ECE(10).measure(rows, answers.ravel())), 0), "the way round fails"
PY
