#!/usr/bin/env bash
# hmmlearn tells a calm drive from a shaking one when positions are in millimetres, and not when they are in metres.
#
# Versions: hmmlearn 0.3.3, scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6.
# One would guess: a Gaussian hidden Markov model finds the same states in any unit.
# What happens: the default prior of the variances, `covars_prior` = 0.01, is a number in the unit of the data. It is
#   added to the sum of squares of each state, so no state of n steps can have a variance below 0.01 / n.
# Seen: 300 steps with noise of 0.2 mm, then 300 with 2 mm. In millimetres all 600 steps are told apart, and the two
#   deviations are right. In metres one state takes all steps, with a deviation of 4.3 mm, twice the larger one.
#   The fit calls itself converged.
# Why it matters: metres and radians are the units of robot logs, and vibrations before a fall are small in them. The
#   same script finds phases of one sensor, and none of another.
# Way round: divide each column by its deviation first, or `covars_prior=1e-12, min_covar=1e-12`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq hmmlearn==0.3.3 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from hmmlearn.hmm import GaussianHMM

print({name: version(name) for name in ("hmmlearn", "scikit-learn", "scipy", "numpy")})
rng = np.random.default_rng(0)
metres = np.concatenate([rng.normal(0, 0.0002, 300), rng.normal(0, 0.002, 300)])[:, None]
shaking = np.repeat([False, True], 300)


def found(signal, **options):
    """The share of steps that are told apart, and the states' deviations."""
    model = GaussianHMM(2, random_state=0, n_iter=100, **options).fit(signal)
    states = model.predict(signal)
    assert model.monitor_.converged
    return np.mean((states == states[-1]) == shaking), np.sort(np.sqrt(model.covars_.ravel()))


free = {"covars_prior": 1e-12, "min_covar": 1e-12}
cases = {"millimetres": (1000, {}), "metres": (1, {}), "metres, small prior": (1, free)}
for name, (scale, options) in cases.items():
    right, deviations = found(metres * scale, **options)
    print(name, "right:", right, "deviations in mm:", (deviations / scale * 1000).round(2))
    if name == "metres":
        assert right == 0.5, "the unit does not matter now"
        assert 4 < deviations[0] * 1000 < 5
    else:
        assert right > 0.99 and np.allclose(deviations / scale * 1000, [0.2, 2], rtol=0.1), "the way round fails"
assert found(metres / metres.std())[0] > 0.99, "the way round fails"
PY
