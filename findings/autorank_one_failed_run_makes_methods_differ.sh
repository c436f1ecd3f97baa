#!/usr/bin/env bash
# autorank finds two methods significantly different, at p=nan, if one of their 20 runs has no result.
#
# Versions: autorank 1.3.0, scipy 1.17.1, statsmodels 0.15.0, pandas 3.1.1, numpy 2.4.6.
# One would guess: a missing run is left out with its pair, or refused. A test without a p-value finds nothing.
# What happens: tests of SciPy return NaN. autorank asks whether p is at least alpha, which NaN is not: it rejects. So does
#   its test of equal variances. Its test of normal data asks the other way round, and finds normal what has no p-value.
# Seen: 20 returns each of two methods, p=0.559, "failed to reject". Without one of them: "We reject the null hypothesis
#   (p=nan) of the paired t-test", and the mean of b is "significantly larger". Of the 19 pairs SciPy has p=0.495. Of four
#   methods Friedman's test is rejected at p=nan, too, where p is 0.514 with all runs. No error and no warning.
# Why it matters: one run of a benchmark that failed turns a table of equal methods into one with a winner.
# Way round: `autorank(table.dropna())`, and look for "p=nan" in the report.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq autorank==1.3.0 scipy==1.17.1 statsmodels==0.15.0 pandas==3.1.1 numpy==2.4.6
MPLBACKEND=agg venv/bin/python -I - <<'PY'
import contextlib
import io
import math
import warnings
from importlib.metadata import version

import numpy as np
import pandas as pd
from autorank import autorank, create_report
from scipy import stats

print({name: version(name) for name in ("autorank", "scipy", "statsmodels", "pandas", "numpy")})


def report(table):
    """The p-value, what was warned of, and the sentence with the decision."""
    text = io.StringIO()
    with warnings.catch_warnings(record=True) as warned, contextlib.redirect_stdout(text):
        warnings.simplefilter("always")
        found = autorank(table)
        create_report(found)
    lines = text.getvalue().splitlines()
    decision = next(line for line in lines if "reject the null hypothesis (p=" in line and "populations" in line)
    print(f"{len(table.columns)} methods, {int(table.isna().sum().sum())} missing: p={found.pvalue:.3f},", decision[:80])
    missing = [str(one.message) for one in warned if "nan" in str(one.message).lower()]
    return found.pvalue, missing, decision


returns = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 4)), columns=list("abcd"))
failed = returns.copy()
failed.iloc[2, 0] = np.nan

p, _, decision = report(returns[["a", "b"]])
assert round(p, 3) == 0.559 and "We failed to reject" in decision
p, warned, decision = report(failed[["a", "b"]])
assert math.isnan(p) and not warned, "a missing run has another effect now"
assert "We reject the null hypothesis (p=nan)" in decision and "mean value of b is significantly larger" in decision

pairs = failed[["a", "b"]].dropna()
by_hand = stats.ttest_rel(pairs["a"], pairs["b"]).pvalue
p, _, decision = report(pairs)
print("SciPy on the 19 pairs:", round(by_hand, 3))
assert abs(p - by_hand) < 1e-9 and round(by_hand, 3) == 0.495 and "We failed to reject" in decision

p, _, decision = report(returns)
assert round(p, 3) == 0.514 and "We failed to reject" in decision
p, _, decision = report(failed)
assert math.isnan(p) and "We reject the null hypothesis (p=nan) of the Friedman test" in decision
PY
