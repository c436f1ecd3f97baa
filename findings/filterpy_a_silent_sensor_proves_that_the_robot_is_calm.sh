#!/usr/bin/env bash
# FilterPy's estimator of several models becomes sure of the calm model while its sensor is silent.
#
# Versions: filterpy 2.0.0, scipy 1.17.1, numpy 2.4.6.
# One would guess: what is written at `update`: "If z is None, nothing is changed". Without a measurement only the
#   chances of a change of the model count, and they lead to one half each here.
# What happens: every filter sets its error to 0 for a missing measurement, and keeps the old spread of it. The
#   likelihood is then that of a perfect prediction, and higher for the model that expects less movement.
# Seen: a robot that manoeuvres, with a chance of 76% for that model. After ten steps without a measurement it is 15%,
#   and 85% for the calm one. By the chances of a change alone it would be 59%. `log_likelihood` counts these steps too.
# Why it matters: sensors are silent in dust, in glare and after a hit. The estimate is then calm and sure of itself.
#   A sum of log-likelihoods is higher for logs with more gaps.
# Way round: skip `update` where there is no measurement, set `mu` to `cbar` after `predict`, and sum over the others.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq scipy==1.17.1 numpy==2.4.6
venv/bin/pip install -qq --no-deps filterpy==2.0.0
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from filterpy.kalman import IMMEstimator, KalmanFilter

print({name: version(name) for name in ("filterpy", "scipy", "numpy")})
change = np.array([[0.95, 0.05], [0.05, 0.95]])


def model(movement):
    kalman = KalmanFilter(dim_x=2, dim_z=1)
    kalman.F, kalman.H = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 0.0]])
    kalman.P, kalman.Q = 10 * np.eye(2), movement * np.array([[0.25, 0.5], [0.5, 1.0]])
    return kalman


def estimator(places):
    imm = IMMEstimator([model(0.001), model(4.0)], np.array([0.5, 0.5]), change)
    for place in places:
        imm.predict()
        imm.update(place)
    return imm


places = np.cumsum(np.cumsum(np.random.default_rng(0).normal(0, 2, 20)))
before = estimator(places)
after = estimator([*places, *[None] * 10])
by_changes = before.mu @ np.linalg.matrix_power(change, 10)
print("calm and moving, before", before.mu, "after ten silent steps", after.mu, "by changes alone", by_changes)
assert before.mu[1] > 0.7 and by_changes[1] > 0.55
assert after.mu[0] > 0.8, "missing measurements no longer favour the calm model"

kalman = before.filters[0]
kalman.predict()
kalman.update(None)
print("log-likelihood of a missing measurement", kalman.log_likelihood)
perfect = -0.5 * np.log(2 * np.pi * kalman.S[0, 0])
assert np.isclose(kalman.log_likelihood, perfect), "missing measurements no longer count as perfect"

imm = estimator(places)
for _ in range(10):
    imm.predict()
    imm.mu = imm.cbar.copy()
    imm._compute_mixing_probabilities()
print("way round", imm.mu)
assert np.allclose(imm.mu, by_changes), "the way round fails"
PY
