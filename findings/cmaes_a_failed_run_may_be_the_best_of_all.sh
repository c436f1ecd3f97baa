#!/usr/bin/env bash
# cmaes takes a run without a result (NaN) for the best of its generation when it is told first.
#
# Versions: cmaes 0.13.1, numpy 2.4.6.
# One would guess: the worst of the generation, or an error.
# What happens: solutions are sorted by value. Nothing is smaller or larger than NaN, so it stays about where it stands
#   and keeps others from passing it. Its place in the list decides what it is worth.
# Seen: eight policies around the best one at (0, 0), and one of them at (9, 9) with NaN. Told first, NaN has the largest weight and moves
#   the mean to (4.8, 4.9). Told last, it moves to (0.3, 0.3).
# Why it matters: the value of a run is NaN when the simulator broke or no step was driven. The search goes to where
#   that happens, if the first of a generation fails.
# Way round: `numpy.nan_to_num(values, nan=numpy.inf)` before `tell`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq cmaes==0.13.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from cmaes import CMA

print({name: version(name) for name in ("cmaes", "numpy")})


def mean(place, fix=False):
    search = CMA(mean=np.zeros(2), sigma=1.0, seed=0, population_size=8)
    asked = [search.ask() for _ in range(8)]
    asked[place] = np.array([9.0, 9.0])  # a policy that breaks the simulator
    values = [float(policy @ policy) for policy in asked]
    values[place] = float("nan")
    if fix:
        values = np.nan_to_num(values, nan=np.inf)
    search.tell(list(zip(asked, values)))
    return search.mean


first, last = mean(0), mean(7)
print("NaN told first", first, "told last", last, "as inf", mean(0, fix=True))
assert (first > 3).all(), "NaN told first is no longer the best"
assert (np.abs(last) < 1.5).all(), "NaN told last is no longer the worst"
assert (np.abs(mean(0, fix=True)) < 1.5).all(), "the way round fails"
PY
