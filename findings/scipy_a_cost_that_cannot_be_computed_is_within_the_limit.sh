#!/usr/bin/env bash
# SciPy's differential evolution takes a place where the cost is NaN for one that keeps the limit, and prefers it.
#
# Versions: scipy 1.17.1, numpy 2.4.6.
# One would guess: a constraint that is NaN is not met, or the search ends without success, as it does for an objective
#   of NaN.
# What happens: a place breaks a constraint if the sum of its excesses is above 0, and NaN is above nothing. So it
#   counts as allowed, and wins by its objective.
# Seen: maximise a speed x of [0, 1], cost x - .5 at most 0, NaN from .9 on, where the simulator gives up. The answer is
#   x > .998 with `success` true and "Optimization terminated successfully."; `constr_violation` is NaN. Ten of ten
#   seeds. With inf in place of NaN it is .5. If the objective is NaN in place of the cost, `success` is false.
# Why it matters: a search for the fastest safe setting ends in the one where the simulator diverges. It is
#   `polish=False` here; the default refines the answer by another solver, which raises a ValueError about NaN.
# Way round: return inf for a cost that is NaN.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version
from math import inf, isnan, nan

from scipy.optimize import NonlinearConstraint, differential_evolution

print({name: version(name) for name in ("scipy", "numpy")})


def fastest(objective, cost, seed, **options):
    """The best speed of [0, 1] whose cost is at most 0."""
    limit = NonlinearConstraint(cost, -inf, 0)
    return differential_evolution(objective, [(0, 1)], constraints=limit, rng=seed, **{"polish": False} | options)


def cost(missing):
    return lambda x: x[0] - 0.5 if x[0] < 0.9 else missing


found = [fastest(lambda x: -x[0], cost(nan), seed) for seed in range(10)]
print([float(one.x[0]) for one in found], found[0].message, found[0].constr_violation)
assert all(one.x[0] > 0.99 and one.success and isnan(one.constr_violation) for one in found), "NaN is no success now"
bounded = fastest(lambda x: -x[0], cost(inf), 0)
print("infinite cost:", float(bounded.x[0]), bounded.success)
assert 0.49 < bounded.x[0] <= 0.5 and bounded.success, "the way round fails"
objective = fastest(lambda x: -x[0] if x[0] < 0.9 else nan, lambda x: -1.0, 0)
print("objective of NaN:", objective.success, objective.message)
assert not objective.success
try:
    print(fastest(lambda x: -x[0], cost(nan), 0, polish=True).x)
except ValueError as error:
    print("with polish:", error)
else:
    raise AssertionError("polishing accepts NaN now")
PY
