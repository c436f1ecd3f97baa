#!/usr/bin/env bash
# pykalman ignores every sensor of a step at which one sensor is missing.
#
# Versions: pykalman 0.11.2, numpy 2.4.6, scipy 1.17.1.
# One would guess: a masked array marks single values, so a filter goes on with the sensors that are there.
# What happens: where any value of a row is masked, the whole row counts as missing. No warning. Plain NaN, which
#   other tables use for missing, makes all later states NaN.
# Seen: two sensors count from 1 to 4, and the second is masked after the first step. The estimate of the *first*
#   stays at 0.99. With a filter of its own it is 3.91. The likelihood is that of a log with one row.
# Why it matters: sensors run at different rates, so in a table of all of them most rows have a gap. The speed
#   that a cost is computed from stands still while the speedometer works.
# Way round: any number for a missing value, and an `observation_covariance` for each step that is huge there.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pykalman==0.11.2 numpy==2.4.6 scipy==1.17.1
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from pykalman import KalmanFilter

print({name: version(name) for name in ("pykalman", "numpy", "scipy")})


def kalman(size):
    one = np.eye(size)
    return KalmanFilter(one, one, one / 10, one / 100, initial_state_mean=np.zeros(size), initial_state_covariance=one)


log = np.repeat(np.arange(1.0, 5.0)[:, None], 2, axis=1)
gaps = np.zeros(log.shape, bool)
gaps[1:, 1] = True
masked = np.ma.array(log, mask=gaps)
both, alone = kalman(2).filter(masked)[0], kalman(1).filter(log[:, :1])[0]
with_nan = kalman(2).filter(np.where(gaps, np.nan, log))[0]
print("first sensor: with a gap in the second", both[:, 0].round(2), "alone", alone[:, 0].round(2))
print("with NaN", with_nan[:, 0].round(2))
one_row = np.ma.array(log, mask=np.repeat(gaps[:, 1:], 2, axis=1))
assert np.allclose(both[:, 0], both[0, 0]) and alone[-1, 0] > 3.8, "the other sensors are used now"
assert kalman(2).loglikelihood(masked) == kalman(2).loglikelihood(one_row), "the likelihood uses them now"
assert np.isnan(with_nan[1:]).all(), "NaN is missing now"
variances = np.where(gaps, 1e9, 0.01)
filled = kalman(2)
filled.observation_covariance = np.stack([np.diag(row) for row in variances])
mean = filled.filter(np.where(gaps, 0, log))[0][-1]
print("with a variance of 1e9 for what is missing", mean.round(2))
assert mean[0] > 3.8 and mean[1] < 1.1, "the way round fails"
PY
