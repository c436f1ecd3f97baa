#!/usr/bin/env bash
# confidenceinterval gives a recall of 0.9 to a model that finds no unsafe clip at all.
#
# Versions: confidenceinterval 1.0.5, scikit-learn 1.5.2, scipy 1.14.1, pandas 2.3.3, numpy 1.26.4.
# One would guess: `recall_score(y_true, y_pred)` is scikit-learn's function of that name with an interval added, as
#   the package describes itself: scikit-learn's metrics with confidence intervals.
# What happens: the default is `average="micro"`, in scikit-learn it is "binary". Precision, recall and F1 are then
#   one and the same number, the accuracy. The interval is not kept within 1.
# Seen: 20 clips, 2 unsafe, none found. scikit-learn: recall 0. confidenceinterval: 0.9, interval [0.77, 1.03]; F1
#   and precision the same. `tpr_score` says 0, interval [0, 0.66].
# Why it matters: recall of the unsafe is the number that a safety judge is chosen by. One import is changed to get
#   intervals, and a useless judge is at 0.9.
# Way round: `tpr_score` for recall and `ppv_score` for precision.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq confidenceinterval==1.0.5 scikit-learn==1.5.2 scipy==1.14.1 pandas==2.3.3 numpy==1.26.4
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import confidenceinterval
from sklearn import metrics

print({name: version(name) for name in ("confidenceinterval", "scikit-learn", "scipy", "pandas", "numpy")})
unsafe, found = [0] * 18 + [1] * 2, [0] * 20
for name in ("recall_score", "precision_score", "f1_score"):
    value, (low, high) = getattr(confidenceinterval, name)(unsafe, found)
    plain = getattr(metrics, name)(unsafe, found, zero_division=0)
    print(name, "scikit-learn", plain, "confidenceinterval", round(value, 3), [round(low, 3), round(high, 3)])
    assert plain == 0 and abs(value - 0.9) < 1e-6, "the default is no longer the accuracy"
    assert high > 1.03, "the interval is now kept within 1"
value, (low, high) = confidenceinterval.tpr_score(unsafe, found)
assert value == 0 and low == 0 and round(high, 2) == 0.66, "the way round fails"
PY
