#!/usr/bin/env bash
# Uncertainty Toolbox's recalibration lowers an upper bound on the cost that was too low already.
#
# Versions: uncertainty-toolbox 0.1.1, numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1.
# One would guess: `get_quantile_recalibrator` learns from held-out clips, and its 90% bound then holds for 90% of them.
#   `get_proportion_under_quantile` counts the clips below a bound, as its docstring says.
# What happens: the code takes prediction minus truth where it needs truth minus prediction: it counts the clips above
#   the mirrored bound. For symmetric errors both are equal. The docs do not say so.
# Seen: a cost model says 10, deviation 1, and the costs are about 11. Its 90% bound holds for 62% of the clips, and
#   the toolbox counts 99%. Recalibrated on 2,000 such clips the bound falls from 11.3 to 10.3 and holds for 25%. With
#   the costs mirrored it is 12.2, and holds for 90%. Intervals around the mean are right.
# Why it matters: the bound is the one that a safe policy has to keep. Recalibration with new labels makes a bound that
#   was too hopeful more hopeful, and the calibration error, which is the same for the mirrored errors, shows nothing.
# Way round: give the recalibrator `2 * predicted - costs`, the costs mirrored at the prediction, as its truth.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq uncertainty-toolbox==0.1.1 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
MPLCONFIGDIR=$PWD venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import uncertainty_toolbox
from uncertainty_toolbox.metrics_calibration import get_prediction_interval, get_proportion_under_quantile, get_quantile
from uncertainty_toolbox.recalibration import get_interval_recalibrator, get_quantile_recalibrator

print({name: version(name) for name in ("uncertainty-toolbox", "numpy", "scipy", "scikit-learn")})
random = np.random.default_rng(0)
predicted, deviation = np.full(2000, 10.0), np.ones(2000)
costs = predicted + 1 + random.normal(size=2000)


def report(name, bound):
    share = np.mean(costs <= bound)
    print(f"{name}: bound {bound[0]:.2f} holds for {share:.1%}")
    return bound[0], share


before, held_before = report("90% bound before", get_quantile(predicted, deviation, 0.9))
counted = get_proportion_under_quantile(predicted, deviation, costs, 0.9)
print(f"the toolbox counts {counted:.1%}")
assert abs(held_before - 0.61) < 0.02 and counted > 0.98, "the clips below a bound are counted now"

recalibrate = get_quantile_recalibrator(predicted, deviation, costs)
after, held_after = report("90% bound after recalibration", recalibrate(predicted, deviation, 0.9))
assert after < before - 0.8 and held_after < 0.3, "recalibration moves the bound the right way now"

error = uncertainty_toolbox.mean_absolute_calibration_error
sizes = [error(predicted, deviation, truth, prop_type="quantile") for truth in (costs, 2 * predicted - costs)]
print("calibration error of the costs and of the mirrored costs", np.round(sizes, 4))
assert abs(sizes[0] - sizes[1]) < 0.002, "the calibration error shows the side now"

recalibrate = get_quantile_recalibrator(predicted, deviation, 2 * predicted - costs)
turned, held_turned = report("90% bound with mirrored costs", recalibrate(predicted, deviation, 0.9))
assert turned > before + 0.8 and abs(held_turned - 0.9) < 0.02, "the way round fails"

recalibrate = get_interval_recalibrator(predicted, deviation, costs)
for name, interval in (
    ("before", get_prediction_interval(predicted, deviation, 0.8)),
    ("after", recalibrate(predicted, deviation, 0.8)),
):
    inside = np.mean((interval.lower <= costs) & (costs <= interval.upper))
    print(f"80% interval {name} holds for {inside:.1%}")
assert abs(inside - 0.8) < 0.02, "intervals are no longer right after recalibration"
PY
