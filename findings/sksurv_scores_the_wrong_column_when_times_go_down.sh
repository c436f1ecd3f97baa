#!/usr/bin/env bash
# scikit-survival scores the forecast for step 20 as the one for step 2 when the later time comes first.
#
# Versions: scikit-survival 0.28.0, scikit-learn 1.9.1, scipy 1.14.1, pandas 2.3.3, numpy 2.1.3.
# One would guess: `times[j]` belongs to column j of the forecasts, in any order, or unsorted times are an error.
# What happens: times are sorted and doubles removed, and the columns stay where they are. Sorted times come back beside
#   the scores. `brier_score`, `integrated_brier_score` and `cumulative_dynamic_auc` do so. The pages do not say it.
# Seen: 500 drives and their exact chances to be without a collision. At steps 2 and 20 the Brier scores are 0.13 and
#   0.13. With times and columns for 20 and 2 they are 0.63 and 0.57. The AUC of a perfect forecast is 0.50, and that of
#   random numbers 1.00.
# Why it matters: models of time to a collision are chosen by these scores. A right model loses to a constant one,
#   which scores 0.25.
# Way round: `order = np.argsort(times)`, and `times[order]` with `forecast[:, order]`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq scikit-survival==0.28.0 scikit-learn==1.9.1 scipy==1.14.1 pandas==2.3.3 numpy==2.1.3
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from sksurv.metrics import brier_score, cumulative_dynamic_auc, integrated_brier_score
from sksurv.util import Surv

print({name: version(name) for name in ("scikit-survival", "scikit-learn", "scipy", "pandas", "numpy")})
random = np.random.default_rng(0)
collision = random.exponential(10, 500)
drives = Surv.from_arrays(collision < 40, np.minimum(collision, 40))


def scores(times):
    times = np.array(times)
    forecast = np.exp(-times / 10) * np.ones((500, 1))
    risk = np.stack([random.normal(size=500) if time == 2 else -collision for time in times], 1)
    found = brier_score(drives, drives, forecast, times)[1], cumulative_dynamic_auc(drives, drives, risk, times)[0]
    whole = integrated_brier_score(drives, drives, forecast, times)
    print(times, "Brier", found[0].round(2), "integrated", whole.round(2), "AUC of noise at 2, known at 20", found[1].round(2))
    return found, whole


(brier, auc), whole = scores([2, 20])
assert (brier < 0.15).all() and abs(auc[0] - 0.5) < 0.1 and auc[1] > 0.99
(mixed, mixed_auc), mixed_whole = scores([20, 2])
assert (mixed > 0.5).all() and mixed_whole > 0.5, "the order of times no longer matters"
assert mixed_auc[0] > 0.9 and abs(mixed_auc[1] - 0.5) < 0.1, "the order of times no longer matters"
order = np.argsort([20, 2])
(careful, _), _ = scores(np.array([20, 2])[order])
assert np.allclose(careful, brier), "the way round fails"
PY
