#!/usr/bin/env bash
# irrCAC takes the grades 0, 1 and 10 for 1, 2 and 3 when their list holds NumPy's integers, and agreement rises.
#
# Versions: irrCAC 0.4.4, pandas 2.3.3, scipy 1.12.0, numpy 1.26.4.
# One would guess: `categories=list(numpy.unique(answers))` is the list that irrCAC finds by itself, so nothing
#   changes. Its docstring says that numerical values are sorted, and that labels are numbered.
# What happens: only `int` and `float` of Python count as numerical. Integers of NumPy are numbered like words, and
#   the weights are those of the places. Numbers out of order are sorted for the weights, and not for the answers, so
#   each weight belongs to another pair. No error or warning.
# Seen: 200 clips, two annotators, quadratic weights: kappa 0.552 as found by irrCAC and with floats of NumPy, 0.572
#   with NumPy's integers, 0.562 with [10, 0, 1] and 0.570 with [0, 10, 1]. By hand it is 0.552.
# Why it matters: costs and grades of harm have gaps, so that a crash weighs more than a near miss. A list of all
#   grades is needed where nobody gave one of them, and it mostly comes from NumPy or pandas.
# Way round: `sorted(numpy.unique(answers).tolist())`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq irrCAC==0.4.4 pandas==2.3.3 scipy==1.12.0 numpy==1.26.4
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
from irrCAC.raw import CAC

print({name: version(name) for name in ("irrCAC", "pandas", "scipy", "numpy")})
random = np.random.default_rng(0)
grades = [0, 1, 10]
harm = random.choice(grades, 200, p=[0.4, 0.4, 0.2])
answers = pd.DataFrame({who: np.where(random.random(200) < 0.8, harm, random.choice(grades, 200)) for who in "ab"})
assert np.unique(answers).tolist() == grades


def kappa(categories=None):
    estimate = CAC(answers, weights="quadratic", categories=categories).conger()["est"]
    return round(float(estimate["coefficient_value"]), 3)


def by_hand(values):
    """One minus the squared difference of a clip's answers, over that of the answers of any two clips."""
    a, b = values
    return round(1 - float(np.mean((a - b) ** 2) / np.mean((a[:, None] - b[None, :]) ** 2)), 3)


columns = answers.to_numpy(float).T
numbered = np.searchsorted(grades, columns).astype(float)
seen = {"found": kappa(), "NumPy's integers": kappa(list(np.unique(answers))),
        "NumPy's floats": kappa(list(np.unique(answers).astype(float))), "[10, 0, 1]": kappa([10, 0, 1]),
        "[0, 10, 1]": kappa([0, 10, 1])}
print(seen, "by hand", by_hand(columns), "by hand with places", by_hand(numbered))
assert seen["found"] == seen["NumPy's floats"] == by_hand(columns)
assert seen["NumPy's integers"] == by_hand(numbered) > by_hand(columns), "NumPy's integers are numbers now"
assert seen["[10, 0, 1]"] > seen["found"] < seen["[0, 10, 1]"], "the order of the list plays no part now"
assert kappa(sorted(np.unique(answers).tolist())) == by_hand(columns), "the way round fails"
PY
