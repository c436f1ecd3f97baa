#!/usr/bin/env bash
# statsmodels' default interval for 0 accidents in 20 episodes is [0, 0], and its test gives p = 0.
#
# Versions: statsmodels 0.15.0, scipy 1.17.1 (to compare), pandas 2.3.3, numpy 2.4.6.
# One would guess: an interval up to about 0.15, since 20 episodes without an accident are not rare at a
#   risk of 0.1 (12% of the time).
# What happens: both take the normal approximation, whose variance is estimated from the data: 0.
# Seen: `proportion_confint(0, 20)` is (0, 0). `proportions_ztest(0, 20, value=0.1)` gives z = -inf and
#   p = 0; a risk of 0.1 is "rejected". The exact test gives p = 0.24.
# Why it matters: few evaluation episodes without an accident are what one hopes for in safe learning. The
#   numbers say that safety is proven. The interval comes without a warning.
# Way round: `method="wilson"` or `"beta"`; `scipy.stats.binomtest` for the test.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq statsmodels==0.15.0 scipy==1.17.1 pandas==2.3.3 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import warnings

import numpy as np
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

print({name: version(name) for name in ("statsmodels", "scipy", "pandas", "numpy")})
with warnings.catch_warnings():
    warnings.simplefilter("error")
    interval = proportion_confint(0, 20)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # about a division by zero
    statistic, p_value = proportions_ztest(0, 20, value=0.1)
exact = binomtest(0, 20, 0.1).pvalue
print("interval", interval, "z", statistic, "p", p_value, "exact p", round(exact, 3))
assert tuple(map(float, interval)) == (0.0, 0.0), "the interval is no longer a point"
assert np.isneginf(statistic) and p_value == 0.0, "the test no longer gives p = 0"
assert exact > 0.1
assert 0.1 < proportion_confint(0, 20, method="beta")[1] < 0.2, "the way round fails"
PY
