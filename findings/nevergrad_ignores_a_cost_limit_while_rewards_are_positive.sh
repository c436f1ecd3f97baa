#!/usr/bin/env bash
# Nevergrad ignores `constraint_violation` for the first half of the budget when the loss is a negative number.
#
# Versions: nevergrad 1.0.12, cma 4.5.0, numpy 1.26.4, scipy 1.12.0.
# One would guess: a limit on costs is kept whether the loss is -reward or 10 - reward. The penalty is documented as
#   (1e5 + |loss|) times the root of the violation.
# What happens: the 1e5 comes in the second half of the budget, and the rest is max(loss, 0). So a negative loss has a
#   penalty of 0 before. An optimizer that has converged by then stays outside the limit, and recommends that.
# Seen: reward x, limit x <= 0.3, 400 evaluations, four seeds. CMA returns 1.0 for the loss -x, and 0.29 to 0.30 for
#   10 - x. OnePlusOne returns 0.09, 0, 0, 0 and 0.28 to 0.30. No warning.
# Why it matters: reward under a limit on costs is a usual goal of a search for settings in safe RL, and its loss is
#   -reward. The settings that come back break the limit, or are far from the best.
# Way round: add a constant to the loss that makes it positive; then look whether the recommendation keeps the limit.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq nevergrad==1.0.12 cma==4.5.0 numpy==1.26.4 scipy==1.12.0
venv/bin/python -I -W error::RuntimeWarning - <<'PY'
from importlib.metadata import version

import nevergrad

print({name: version(name) for name in ("nevergrad", "cma", "numpy", "scipy")})


def recommended(optimizer, constant):
    values = []
    for seed in range(1, 5):
        place = nevergrad.p.Scalar(lower=0, upper=1)
        place.random_state.seed(seed)
        search = nevergrad.optimizers.registry[optimizer](place, budget=400)
        found = search.minimize(lambda x: constant - float(x), constraint_violation=[lambda x: float(x) - 0.3])
        values.append(float(found.value))
    return values


for optimizer in ("CMA", "OnePlusOne"):
    print(optimizer, *([round(x, 3) for x in recommended(optimizer, constant)] for constant in (0, 10)))
assert min(recommended("CMA", 0)) > 0.99, "the limit counts for a negative loss now"
assert max(recommended("OnePlusOne", 0)) < 0.2, "the search goes on to the limit now"
for optimizer in ("CMA", "OnePlusOne"):
    values = recommended(optimizer, 10)
    assert 0.27 < min(values) and max(values) <= 0.3, "the way round fails"
PY
