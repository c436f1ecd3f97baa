#!/usr/bin/env bash
# scikit-learn's log loss of one and the same predictions is 18.0 in float64, 8.0 in float32, 3.5 in float16.
#
# Versions: scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6.
# One would guess: infinity for a certain prediction that is wrong, or one clipping for all.
# What happens: probabilities are clipped at the machine epsilon of their type, so that each wrong certainty
#   costs 36.0, 15.9 or 6.9. No warning.
# Seen: labels 1, 1 and p = 0, 1: 18.02, 7.97 and 3.46.
# Why it matters: isotonic calibration and saturated networks give exact 0 and 1. A network's float32
#   output looks better than scikit-learn's float64 output by its type alone.
# Way round: cast to float64 and clip by a number of your own, the same for all models.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
from sklearn.metrics import log_loss

print({name: version(name) for name in ("scikit-learn", "scipy", "numpy")})
losses = {}
for kind in (np.float64, np.float32, np.float16):
    losses[kind.__name__] = log_loss([1, 1], np.array([0, 1], kind), labels=[0, 1])
    assert np.isclose(losses[kind.__name__], -np.log(float(np.finfo(kind).eps)) / 2, rtol=1e-2), "another clipping"
print(losses)
assert losses["float64"] > 18 and losses["float32"] < 8 and losses["float16"] < 3.5
clipped = {log_loss([1, 1], np.array([0, 1], kind).astype(float).clip(1e-3, 1 - 1e-3), labels=[0, 1]) for kind in (np.float64, np.float32)}
assert len(clipped) == 1, "the way round fails"
PY
