#!/usr/bin/env bash
# ArviZ gives a sampler that never moved the full effective sample size, and no sign of doubt.
#
# Versions: arviz 0.23.4, numba 0.62.1, scipy 1.17.1, pandas 2.3.3, numpy 2.3.5.
# One would guess: NaN or 1 for 4,000 copies of one number, as they tell as much as one draw.
# What happens: draws that are all equal count as independent: `ess` is their number, the Monte Carlo error is 0, and
#   R-hat is NaN, which is not above any limit. `summary` prints the same.
# Seen: scores of clips, 4 chains of 1,000 draws. The score that moved: 3,900 effective draws, R-hat 1.00. The score
#   that stands still: 4,000 and NaN. The usual tests, `r_hat > 1.01` and `ess_bulk < 400`, name neither of the two.
# Why it matters: a posterior of Bradley-Terry scores from a sampler that rejects every step passes, with an interval of
#   width 0: the ranking looks certain.
# Way round: ask for `r_hat < 1.01` of every score, which NaN fails, or for a spread above 0.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq arviz==0.23.4 numba==0.62.1 scipy==1.17.1 pandas==2.3.3 numpy==2.3.5
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import arviz as az
import numpy as np

print({name: version(name) for name in ("arviz", "numba", "scipy", "pandas", "numpy")})
draws = {"moves": np.random.default_rng(0).normal(size=(4, 1000)), "stands": np.full((4, 1000), 0.3)}
table = az.summary(draws)
print(table)
doubted = table[(table.r_hat > 1.01) | (table.ess_bulk < 400) | (table.ess_tail < 400)]
print("doubted:", list(doubted.index))
assert table.ess_bulk["stands"] == table.ess_tail["stands"] == 4000, "equal draws count less now"
assert table.ess_bulk["moves"] < 4000
assert np.isnan(table.r_hat["stands"]) and table.mcse_mean["stands"] == 0 and doubted.empty
assert list(table.index[~(table.r_hat < 1.01)]) == ["stands"], "the way round fails"
PY
