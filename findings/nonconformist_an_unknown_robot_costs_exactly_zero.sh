#!/usr/bin/env bash
# nonconformist predicts that the cost of a kind of robot it has not been calibrated for lies between 0 and 0.
#
# Versions: nonconformist 2.1.0, scikit-learn 1.9.1, scipy 1.17.1, pandas 3.1.1, numpy 2.4.6.
# One would guess: where there is no calibration, the interval is infinite, or there is an error. The classifier of the
#   same package does so: it keeps all labels for an unknown kind.
# What happens: the array of intervals starts with zeros, and each kind of the calibration fills in its rows. Rows of
#   another kind stay as they are. No warning. The docstring of `predict` and of `condition` says nothing of it.
# Seen: costs of about 20 + 3 x of two kinds of robots, 90% intervals: 21.3 to 24.8 for both. For a third kind, with the
#   same sensors, 0 to 0. The classifier keeps both labels for the third kind.
# Why it matters: a new robot has the smallest and the surest cost of all. It passes every limit.
# Way round: compare `condition` of each row with `categories`, and set the interval to minus and plus infinity.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq nonconformist==2.1.0 scikit-learn==1.9.1 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from nonconformist.base import ClassifierAdapter, RegressorAdapter
from nonconformist.icp import IcpClassifier, IcpRegressor
from nonconformist.nc import AbsErrorErrFunc, ClassifierNc, InverseProbabilityErrFunc, RegressorNc
from sklearn.linear_model import LinearRegression, LogisticRegression

print({name: version(name) for name in ("nonconformist", "scikit-learn", "scipy", "pandas", "numpy")})


def kind(row):
    return int(row[0][0])


generator = np.random.default_rng(0)
x = np.column_stack([generator.integers(0, 2, 600), generator.normal(size=600)])  # kind of robot, a sensor
cost = 20 + 3 * x[:, 1] + generator.normal(size=600)
asked = np.array([[0, 1.0], [1, 1.0], [2, 1.0]])  # the last is of a new kind

model = IcpRegressor(RegressorNc(RegressorAdapter(LinearRegression()), AbsErrorErrFunc()), condition=kind)
model.fit(x[:300], cost[:300])
model.calibrate(x[300:], cost[300:])
intervals = model.predict(asked, significance=0.1)
print("intervals of the kinds 0, 1, 2:", intervals.round(1).tolist())
assert (abs(intervals[:2] - [21.3, 24.8]) < 0.2).all(), "the intervals of the known kinds have changed"
assert (intervals[2] == 0).all(), "the unknown kind has another interval now"

labels = IcpClassifier(ClassifierNc(ClassifierAdapter(LogisticRegression()), InverseProbabilityErrFunc()), kind, False)
labels.fit(x[:300], (cost[:300] > 20).astype(int))
labels.calibrate(x[300:], (cost[300:] > 20).astype(int))
kept = labels.predict(asked, significance=0.1)
print("labels kept:", kept.tolist())
assert kept.tolist() == [[False, True], [False, True], [True, True]], "the classifier has changed"

known = np.isin([kind((row, None)) for row in asked], model.categories)
intervals[~known] = -np.inf, np.inf
assert known.tolist() == [True, True, False] and np.isinf(intervals[2]).all(), "the way round fails"
PY
