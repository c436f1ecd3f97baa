#!/usr/bin/env bash
# statsmodels' Holm correction calls a test whose p-value is NaN significant.
#
# Versions: statsmodels 0.15.0, scipy 1.17.1 and pandas 2.3.3 (needed by it), numpy 2.4.6.
# One would guess: NaN stays undecided or is refused, as `scipy.stats.false_discovery_control` refuses it.
# What happens: NaN is sorted last as the largest p-value, counts as one of the tests, and no comparison with
#   it holds. The step-down methods stop at the first p-value above its level, so NaN is rejected with the rest.
#   With "fdr_bh" all corrected p-values become NaN, while some hypotheses are still called rejected.
# Seen: p = 0.001, NaN, 0.02: "holm" rejects all three, "fdr_bh" gives NaN, NaN, NaN and rejects two.
# Why it matters: a test is undefined when all runs of a task have the same cost, for example 0. That task then
#   counts as one with a significant difference between the methods.
# Way round: leave the NaN out before the correction, and report these tests apart.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq statsmodels==0.15.0 scipy==1.17.1 pandas==2.3.3 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

print({name: version(name) for name in ("statsmodels", "scipy", "pandas", "numpy")})
no_accidents = stats.ttest_ind(np.zeros(5), np.zeros(5)).pvalue
values = np.array([0.001, no_accidents, 0.02])
for method in ("holm", "fdr_bh"):
    rejected, corrected = multipletests(values, method=method)[:2]
    print(method, "rejected", rejected, "corrected", corrected)
    if method == "holm":
        assert np.isnan(corrected[1]) and rejected[1], "a test without a p-value is no longer significant"
    else:
        assert np.isnan(corrected).all() and rejected.sum() == 2, "one NaN no longer spoils all corrected p-values"
try:
    stats.false_discovery_control(values)
    raise AssertionError("SciPy no longer refuses NaN")
except ValueError as refused:
    print("SciPy:", refused)
known = ~np.isnan(values)
rejected, corrected = multipletests(values[known], method="holm")[:2]
assert rejected.all() and np.allclose(corrected, [0.002, 0.02]), "the way round fails"
PY
