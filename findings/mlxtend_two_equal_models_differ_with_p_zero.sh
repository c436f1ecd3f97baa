#!/usr/bin/env bash
# mlxtend's McNemar test says with p = 0 that two models differ which answer alike on every clip.
#
# Versions: mlxtend 0.25.0, scikit-learn 1.9.1, scipy 1.17.1, pandas 3.1.1, matplotlib 3.11.2, numpy 2.4.6.
# One would guess: two models that never disagree give p = 1, or NaN. The exact form of the same test gives 1.
# What happens: the corrected statistic is (|b - c| - 1)^2 / (b + c) for b and c disagreements. For 0 and 0 it is 1 / 0,
#   so infinity, and its p-value is 0. For b = c the correction adds instead of subtracting, so p is below 1, too.
# Seen: 100 clips, the same answers twice: statistic inf, p 0.0, and p 1.0 with `exact=True`. For b = c = 3, p is .683,
#   and 1.0 exactly. Without correction, 0 and 0 give NaN.
# Why it matters: a pruned or exported model that answers as before is the case where one hopes for no difference. A
#   gate on p < .05 rejects exactly it.
# Way round: `exact=True` for few disagreements; test `b + c > 0` before.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq mlxtend==0.25.0 scikit-learn==1.9.1 scipy==1.17.1 pandas==3.1.1 matplotlib==3.11.2 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version
from math import inf, isnan

import numpy as np
from mlxtend.evaluate import mcnemar, mcnemar_table

print({name: version(name) for name in ("mlxtend", "scikit-learn", "scipy", "pandas", "matplotlib", "numpy")})
rng = np.random.default_rng(0)
labels, answers = rng.integers(0, 2, 100), rng.integers(0, 2, 100)
equal = mcnemar_table(y_target=labels, y_model1=answers, y_model2=answers)
print("equal models, right and wrong:", equal.tolist())
seen = {}
for name, table in (("equal", equal), ("b = c = 3", np.array([[50, 3], [3, 44]]))):
    for how, options in (("corrected", {}), ("uncorrected", {"corrected": False}), ("exact", {"exact": True})):
        statistic, p = mcnemar(table, **options)
        seen[name, how] = p
        print(name, how, "statistic", statistic, "p", p)
assert equal[0, 1] == equal[1, 0] == 0
assert mcnemar(equal)[0] == inf and seen["equal", "corrected"] == 0, "equal models are equal now"
assert isnan(seen["equal", "uncorrected"]) and seen["equal", "exact"] == 1
assert abs(seen["b = c = 3", "corrected"] - 0.683) < 0.001 and seen["b = c = 3", "exact"] == 1
PY
