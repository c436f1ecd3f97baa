#!/usr/bin/env bash
# SciPy's paired t-test turns its answer round when the counts are stored as unsigned integers.
#
# Versions: scipy 1.17.1, numpy 2.4.6.
# One would guess: the type of a column of counts does not change a test; Wilcoxon's test of the same arrays agrees.
# What happens: `ttest_rel` subtracts before it converts. In uint8, 3 - 4 is 255, in uint16 65,535. Both `scipy.stats`
#   and `scipy.stats.mstats` do so. `wilcoxon`, `ttest_ind` and `pearsonr` convert first.
# Seen: costs of two agents in 12 paired episodes, the first one is cheaper by 1.4 on average. As floats: t = -4.2,
#   and "the first is dearer" has p = 0.999. As uint8: t = 7.4, and "the first is dearer" has p = 7e-6.
# Why it matters: counts of collisions are written as small unsigned integers to save room. The safer agent is then
#   significantly the more dangerous one, without a warning.
# Way round: `.astype(float)` before the test.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq scipy==1.17.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from scipy import stats

print({name: version(name) for name in ("scipy", "numpy")})
first = np.array([2, 0, 3, 1, 4, 2, 5, 3, 1, 2, 0, 4])
second = np.array([4, 1, 4, 3, 6, 1, 7, 6, 2, 5, 1, 4])


def paired(dtype):
    a, b = first.astype(dtype), second.astype(dtype)
    result = stats.ttest_rel(a, b)
    dearer = stats.ttest_rel(a, b, alternative="greater").pvalue
    ranks = stats.wilcoxon(a, b, method="asymptotic").statistic
    return result.statistic, dearer, stats.mstats.ttest_rel(a, b).statistic, ranks


for dtype in (float, np.int8, np.uint8, np.uint16):
    print(np.dtype(dtype).name, *(f"{number:.4g}" for number in paired(dtype)))
right, wrong = paired(float), paired(np.uint8)
assert paired(np.int8) == right and right[0] < -3 and right[1] > 0.99
assert wrong[0] > 3 and wrong[1] < 0.01, "the paired t-test of unsigned integers is now right"
assert wrong[2] > 3 and wrong[3] == right[3]
PY
