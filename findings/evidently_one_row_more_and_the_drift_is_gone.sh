#!/usr/bin/env bash
# Evidently finds a drift in 1,000 clips, and none in the same clips and one more.
#
# Versions: evidently 0.7.23, pandas 2.3.3, scipy 1.17.1, scikit-learn 1.9.1, numpy 2.3.5.
# One would guess: the same difference is found more surely in more rows, and `value` means one thing.
# What happens: up to 1,000 rows of the reference `ValueDrift` gives the p-value of a Kolmogorov-Smirnov test, a drift
#   if it is below .05. From 1,001 on it gives a distance in standard deviations, a drift if it is above .1. Only the
#   name of the metric says so.
# Seen: clips cost 5 +- 1 in one week and 6 +- 1 in the next, and one crash in a hundred costs 120. 1,000 rows: a
#   p-value of 1e-77, a drift. 1,001 rows: a distance of .09, none. 5,000 rows: none.
# Why it matters: a rule like "alarm if value < .05" turns into its opposite when the log grows. Rare crashes make the
#   standard deviation, so whatever happens between them is no drift.
# Way round: name the method: `ValueDrift(column="cost", method="ks")`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq evidently==0.7.23 pandas==2.3.3 scipy==1.17.1 scikit-learn==1.9.1 numpy==2.3.5
DO_NOT_TRACK=1 venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
from evidently import Report
from evidently.metrics import ValueDrift

print({name: version(name) for name in ("evidently", "pandas", "scipy", "scikit-learn", "numpy")})
rng = np.random.default_rng(0)


def costs(mean):
    """Costs of clips: around a mean, and 120 for one crash in a hundred."""
    usual = rng.normal(mean, 1, 5000)
    usual[99::100] = 120
    return pd.DataFrame({"cost": usual})


old, new = costs(5), costs(6)


def drift(n, before=old, after=new, **options):
    """The value of the metric, its method, and whether the report's own test calls it a drift."""
    snapshot = Report([ValueDrift(column="cost", **options)], include_tests=True).run(after[:n], before[:n]).dict()
    metric, test = snapshot["metrics"][0], snapshot["tests"][0]
    return float(metric["value"]), metric["config"]["method"], test["status"].name


seen = {}
for n in (1000, 1001, 5000):
    seen[n], named = drift(n), drift(n, method="ks")
    print(n, *seen[n], "| with method ks:", *named)
    assert named[0] < 1e-10 and named[2] == "FAIL", "the way round fails"
assert seen[1000][0] < 1e-10 and seen[1000][1:] == ("K-S p_value", "FAIL")
for n in (1001, 5000):
    assert 0.05 < seen[n][0] < 0.1 and seen[n][2] == "SUCCESS", "the drift is found now"
    assert seen[n][1] == "Wasserstein distance (normed)"
PY
