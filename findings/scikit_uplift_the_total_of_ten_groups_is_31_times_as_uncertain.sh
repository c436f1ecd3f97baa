#!/usr/bin/env bash
# scikit-uplift's deviation of the total effect is the sum of those of ten groups, 31 times what it should be.
#
# Versions: scikit-uplift 0.5.1, scikit-learn 1.9.1, scipy 1.17.1, pandas 3.1.1, numpy 2.4.6.
# One would guess: the row "total" of `uplift_by_percentile(std=True, total=True)` is that of all clips: its deviation,
#   as well as its rates, sizes and effect.
# What happens: sizes, rates and effect are computed from all clips. The deviations are the ten above added up, where
#   more clips should make it smaller. The docstring explains the total of the effect and says nothing of this.
# Seen: 2,000 clips, half with a speed limiter, which makes 21 more of 100 clips safe. The deviation of this 0.21 is
#   0.665, as if it were nothing. With all clips in one group it is 0.021, a tenth of the effect. With 20 groups instead
#   of ten it grows to 1.87.
# Why it matters: a measure that clearly helps looks like chance, and more so the finer one looks.
# Way round: `uplift_by_percentile(..., bins=1, std=True)` for the total.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq scikit-learn==1.9.1 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6
venv/bin/pip install -qq --no-deps scikit-uplift==0.5.1
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from sklift.metrics import uplift_by_percentile

print({name: version(name) for name in ("scikit-uplift", "scikit-learn", "scipy", "pandas", "numpy")})
random = np.random.default_rng(0)
gain = random.random(2000)
limiter = random.integers(0, 2, 2000)
safe = (random.random(2000) < 0.3 + 0.4 * gain * limiter).astype(int)


def total(groups):
    """The last row of the table of so many groups."""
    table = uplift_by_percentile(safe, gain, limiter, bins=groups, std=True, total=True)
    assert list(table.index)[-1] == "total" and len(table) == groups + 1, "the table has another form"
    return table, table.iloc[-1]


table, ten = total(10)
_, twenty = total(20)
one = uplift_by_percentile(safe, gain, limiter, bins=1, std=True).iloc[0]
print(table[["n_treatment", "n_control", "uplift", "std_uplift"]].round(3).to_string())
print("effect", [round(float(row["uplift"]), 3) for row in (ten, twenty, one)])
print("deviation", [round(float(row["std_uplift"]), 3) for row in (ten, twenty, one)])
rates = [safe[limiter == side].mean() for side in (1, 0)]
sizes = [np.sum(limiter == side) for side in (1, 0)]
right = np.sqrt(sum(rate * (1 - rate) / size for rate, size in zip(rates, sizes, strict=True)))
print("deviation by hand", round(float(right), 4))
assert np.isclose(ten["uplift"], rates[0] - rates[1]) and np.isclose(one["uplift"], ten["uplift"]), "another effect"
assert np.isclose(ten["std_uplift"], table["std_uplift"].iloc[:-1].sum()), "the deviations are no longer added up"
assert ten["std_uplift"] > 25 * right and twenty["std_uplift"] > 2 * ten["std_uplift"], "the total is not so big now"
assert np.isclose(one["std_uplift"], right), "the way round fails"
PY
