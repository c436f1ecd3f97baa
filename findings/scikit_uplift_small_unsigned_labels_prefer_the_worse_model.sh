#!/usr/bin/env bash
# scikit-uplift's Qini score turns its sign when labels and treatments are uint8: the model that is always wrong wins.
#
# Versions: scikit-uplift 0.5.1, scikit-learn 1.9.1, scipy 1.17.1, pandas 3.1.1, numpy 2.4.6.
# One would guess: zeros and ones are the same labels in all types of NumPy. The function checks that they are binary.
# What happens: the best possible ranking has those in last place for whom the treatment is needless, by 0 - 1. In an
#   unsigned type that is 255, and they come first. The score is divided by a "perfect" area below zero. Not documented.
# Seen: 2,000 clips, half with a speed limiter, and a model that knows where it helps. As int64, int8, bool or float its
#   score is 0.11, and that of its opposite -0.11. As uint8 they are -0.87 and 0.89. `uplift_auc_score` gives 0.15 and
#   -0.14 in all types, and so does the Qini score if only one of both columns is uint8.
# Why it matters: flags are stored as one byte in HDF5, Parquet and Zarr. A search over models by this score, and
#   `make_uplift_scorer` is made for that, keeps the one that puts the limiter where it does harm.
# Way round: `astype(int)` for one of the two columns.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq scikit-learn==1.9.1 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6
venv/bin/pip install -qq --no-deps scikit-uplift==0.5.1
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from sklift.metrics import qini_auc_score, uplift_auc_score

print({name: version(name) for name in ("scikit-uplift", "scikit-learn", "scipy", "pandas", "numpy")})
random = np.random.default_rng(0)
gain = random.random(2000)
limiter = random.integers(0, 2, 2000)
safe = (random.random(2000) < 0.3 + 0.4 * gain * limiter).astype(int)


def scores(kind, other=None):
    """Qini and uplift scores of the model and of its opposite, with labels and treatments of these types."""
    labels, treated = safe.astype(kind), limiter.astype(other or kind)
    pairs = [(score, model) for score in (qini_auc_score, uplift_auc_score) for model in (gain, -gain)]
    return [round(float(score(labels, model, treated)), 2) for score, model in pairs]


for kind in ("int64", "int8", "bool", "float32", "uint8"):
    print(kind, "Qini: model, opposite; uplift: model, opposite", scores(kind))
print("uint8 and int64", scores("uint8", "int64"), scores("int64", "uint8"))
right = scores("int64")
assert right[0] > 0.1 and right[1] < -0.1, "the model is not the better one"
assert scores("int8") == scores("bool") == scores("float32") == right, "other types differ as well"
assert scores("uint8") == [-0.87, 0.89] + right[2:], "uint8 is like the other types now"
assert scores("uint8", "int64") == scores("int64", "uint8") == right, "the way round fails"
PY
