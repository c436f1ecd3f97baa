#!/usr/bin/env bash
# EconML's test of effects finds 1.23 for an effect of 1.0 when the two robots are -1 and 1, and 1.02 when 0 and 1.
#
# Versions: econml 0.17.0, scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6.
# One would guess: `DRTester` knows the control as the smallest value, as its docstring says. It only recommends 0.
# What happens: the control's outcomes are corrected by the clips where the treatment equals 0. With -1 and 1 there
#   are none, so the control keeps what the regression says, right or wrong. No error or warning.
# Seen: 4,000 clips, and a true effect of 1.0 on the cost of every clip. With 0 and 1 the mean effect is 1.02, and the
#   test of whether it grows with the speed has p = 0.20. With -1 and 1 the effect is 1.23, and p = 3e-48.
# Why it matters: labels and pairs are often -1 and 1. A new robot is then judged by a model that is corrected on one
#   side only, and an effect that is the same everywhere is proven to depend on the speed.
# Way round: `(robot == 1).astype(int)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq econml==0.17.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
OMP_NUM_THREADS=1 venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
from econml.validate import DRTester
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

print({name: version(name) for name in ("econml", "scikit-learn", "scipy", "numpy")})
rng = np.random.default_rng(0)
speed = rng.normal(size=(4000, 1))
new = (rng.random(4000) < 1 / (1 + np.exp(-speed[:, 0]))).astype(int)
cost = 1.0 * new + np.exp(speed[:, 0]) + 0.3 * rng.normal(size=4000)


class GrowsWithSpeed:
    def effect(self, X, T0, T1):
        return X[:, 0]


seen = {}
for control in (0, -1):
    robot = np.where(new == 1, 1, control)
    models = {"model_regression": LinearRegression(), "model_propensity": LogisticRegression()}
    tester = DRTester(**models, cate=GrowsWithSpeed())
    tester.fit_nuisance(speed, robot, cost)
    seen[control] = tester.ate_val[0], tester.evaluate_blp(speed).pvals[0]
    print(f"robots {control} and 1: mean effect {seen[control][0]:.2f}, p of the test {seen[control][1]:.1e}")
assert 1.01 < seen[0][0] < 1.03 and seen[0][1] > 0.15, "0 and 1 are judged otherwise now"
assert 1.21 < seen[-1][0] < 1.24 and seen[-1][1] < 1e-40, "-1 and 1 are judged otherwise now"

folds = list(StratifiedKFold(5, shuffle=True, random_state=123).split(speed, new))
chance = cross_val_predict(LogisticRegression(), speed, new, cv=folds, method="predict_proba")
guess = np.empty((4000, 2))
for train, test in folds:
    for which in (0, 1):
        rows = train[new[train] == which]
        guess[test, which] = LinearRegression().fit(speed[rows], cost[rows]).predict(speed[test])
part = [(new == which) / chance[:, which].clip(0.01) * (cost - guess[:, which]) for which in (0, 1)]
both = (guess[:, 1] + part[1] - guess[:, 0] - part[0]).mean()
one = (guess[:, 1] + part[1] - guess[:, 0]).mean()
print(f"by hand: corrected on both sides {both:.4f}, on one side {one:.4f}")
assert np.isclose(both, seen[0][0]) and np.isclose(one, seen[-1][0]), "the sums by hand differ"
PY
