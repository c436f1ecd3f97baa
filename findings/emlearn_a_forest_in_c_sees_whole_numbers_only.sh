#!/usr/bin/env bash
# emlearn turns a forest that is always right into C code that is right half the time: it cuts features to integers.
#
# Versions: emlearn 0.23.2, scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6.
# One would guess: `convert(forest)` gives C code with the forest's answers. Features are floats, as for other models
#   that emlearn converts, unless `dtype` asks for less.
# What happens: for trees `dtype=None` stands for int16_t. Features and thresholds are cut to whole numbers without a
#   warning, so values between 0 and 1 are all 0.
# Seen: a forest on features between 0 and 1: scikit-learn right on 100% of the rows, the C code on 52%, one answer for
#   all rows. With features a thousand times as large it is right on more than 95%.
# Why it matters: observations and normalised sensor values lie between -1 and 1. A crash detector that is put on a
#   microcontroller then sees none, or nothing else.
# Way round: `convert(forest, method="inline", dtype="float")`, and compare the answers with those of scikit-learn.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq emlearn==0.23.2 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import emlearn
import numpy as np
from sklearn.ensemble import RandomForestClassifier

print({name: version(name) for name in ("emlearn", "scikit-learn", "scipy", "numpy")})
features = np.random.default_rng(0).uniform(0, 1, (300, 3))
crash = (features[:, 0] > 0.5).astype(int)


def right(scale, **how):
    forest = RandomForestClassifier(5, random_state=0).fit(features * scale, crash)
    answers = np.asarray(emlearn.convert(forest, **how).predict(features * scale))
    return np.mean(forest.predict(features * scale) == crash), np.mean(answers == crash), len(set(answers.tolist()))


for scale in (1, 1000):
    print("features times", scale, "right in Python, right in C, different answers in C:", right(scale))
python, c, answers = right(1)
assert python == 1 and c < 0.6 and answers == 1, "features are no longer cut"
assert right(1000)[1] > 0.95
assert right(1, method="inline", dtype="float")[1] == 1, "the way round fails"
PY
