#!/usr/bin/env bash
# PyCM gives a perfect model an accuracy of 0 when its labels are 1 and its predictions are 1.0 or True.
#
# Versions: pycm 4.6, numpy 2.4.6.
# One would guess: 1, 1.0 and True are one class, as they are equal in Python and for scikit-learn. Otherwise an error
#   for classes that only one of the two sides has.
# What happens: when labels and predictions are of different types, all become text, and "1" is not "1.0". No warning.
# Seen: 300 clips, all predicted right. With integers for both the accuracy is 1.0. With predictions in float64, or
#   boolean, it is 0.0, and there are four classes.
# Why it matters: labels come as integers from a file, and predictions as floats from a threshold, or booleans from a
#   comparison. Four classes of a binary question show only where someone prints them.
# Way round: `.astype(int)` for both, and a look at `matrix.classes`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pycm==4.6 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
from pycm import ConfusionMatrix

print({name: version(name) for name in ("pycm", "numpy")})
labels = np.random.default_rng(0).integers(0, 2, 300)
predictions = {"int64": labels.copy(), "float64": labels.astype(float), "bool": labels == 1}
for name, predicted in predictions.items():
    assert np.array_equal(labels, predicted)
    matrix = ConfusionMatrix(labels, predicted)
    print(name, "accuracy", matrix.Overall_ACC, "kappa", matrix.Kappa, "classes", matrix.classes)
    if name == "int64":
        assert matrix.Overall_ACC == 1 and matrix.classes == [0, 1]
    else:
        assert matrix.Overall_ACC == 0 and len(matrix.classes) == 4, "equal classes are one now"
    again = ConfusionMatrix(labels.astype(int), predicted.astype(int))
    assert again.Overall_ACC == 1 and again.classes == [0, 1], "the way round fails"
PY
