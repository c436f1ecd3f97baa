#!/usr/bin/env bash
# PyOD's ECOD calls one and the same step an outlier when asked alone, and normal when asked with others.
#
# Versions: pyod 3.6.7, numba 0.68.1, scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6.
# One would guess: a fitted detector has a fixed score for a point, as IForest, KNN and HBOS of this package have.
# What happens: ECOD and COPOD keep the training data. Each call puts the points that are asked behind them and ranks all
#   anew, while the threshold stays that of the fit. The documentation of `decision_function` does not say so.
# Seen: 500 normal steps around 0, and one at (4, 4). Asked alone its score is 12.4, the limit is 5.3: an outlier. Asked
#   with 300 steps at (8, 8) it is 2.0: normal. Of the 300, not one is an outlier either.
# Why it matters: a monitor that runs step by step and an evaluation of the whole log disagree. A log in which much is
#   unusual looks normal.
# Way round: ask one point at a time, or take a detector that only looks at its training data.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pyod==3.6.7 numba==0.68.1 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from pyod.models.copod import COPOD
from pyod.models.ecod import ECOD
from pyod.models.hbos import HBOS
from pyod.models.iforest import IForest
from pyod.models.knn import KNN

print({name: version(name) for name in ("pyod", "numba", "scikit-learn", "scipy", "numpy")})
normal = np.random.default_rng(0).normal(size=(500, 2))
step, others = np.full((1, 2), 4.0), np.full((300, 2), 8.0)
for kind in (ECOD, COPOD, IForest, KNN, HBOS):
    detector = kind().fit(normal)
    alone = detector.decision_function(step)[0], detector.predict(step)[0]
    log = np.concatenate([step, others])
    among = detector.decision_function(log)[0], detector.predict(log)[0]
    print(kind.__name__, "limit", round(detector.threshold_, 2), "alone", alone, "among others", among)
    assert alone[1] == 1, "the step is no outlier any more"
    if kind in (ECOD, COPOD):
        assert among[0] < detector.threshold_ < alone[0] and among[1] == 0, "the score is fixed now"
        assert detector.predict(log).sum() == 0, "the others are outliers now"
        by_step = [detector.predict(row[None])[0] for row in log[:5]]
        assert by_step == [1] * 5, "the way round fails"
    else:
        assert np.isclose(alone[0], among[0]) and among[1] == 1, "others are no longer fixed"
PY
