#!/usr/bin/env bash
# LightGBM takes a missing value for 0 when the column had no missing value in the training data.
#
# Versions: lightgbm 4.7.0, numpy 2.4.6, scipy 1.17.1.
# One would guess: "missing values are handled" means: NaN goes to a side of its own at every split, or an error.
# What happens: whether a column can be missing is learnt from the training data. Where it cannot, NaN is
#   replaced by 0.0 at prediction, in silence, whatever the range of the column is.
# Seen: unsafe when a temperature of 20 to 80 is above 60. For NaN the model says p(unsafe) = 0.0025, the same
#   as for 0. With one NaN among the 500 training rows, all of it changes: 0.996, with the unsafe side.
# Why it matters: a sensor that failed reads 0, and here 0 is the safest of all values. Logs for training are
#   the clean ones, so this is the usual case.
# Way round: refuse NaN before `predict` in columns that had none.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq lightgbm==4.7.0 numpy==2.4.6 scipy==1.17.1
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import lightgbm
import numpy as np

print({name: version(name) for name in ("lightgbm", "numpy", "scipy")})
temperature = np.random.default_rng(0).uniform(20, 80, (500, 1))
unsafe = (temperature[:, 0] > 60).astype(float)
settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "deterministic": True}
asked = np.array([[np.nan], [0.0], [20.0], [80.0]])
clean = lightgbm.train(settings, lightgbm.Dataset(temperature, unsafe), 50).predict(asked)
temperature[np.argmax(temperature)] = np.nan
with_one = lightgbm.train(settings, lightgbm.Dataset(temperature, unsafe), 50).predict(asked)
print("p(unsafe) for NaN, 0, 20, 80:", clean.round(4), "one NaN in training:", with_one.round(4))
assert clean[0] == clean[1] < 0.01 and clean[3] > 0.99, "NaN is no longer read as 0"
assert with_one[0] > 0.9, "a missing value in training no longer changes it"
PY
