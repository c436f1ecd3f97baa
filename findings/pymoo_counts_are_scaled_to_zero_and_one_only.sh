#!/usr/bin/env bash
# pymoo scales counts of collisions to 0 and 1 and nothing between: all policies but the worst are as good as the best.
#
# Versions: pymoo 0.6.2, scipy 1.17.1, numpy 2.4.6.
# One would guess: `normalize` gives (x - smallest) / (largest - smallest) for whole numbers as for others.
# What happens: `ZeroToOneNormalization` writes the quotients into a copy of the array it was given, which holds
#   integers, and NumPy cuts them to 0. `denormalize`, and GD and other distances with zero_to_one=True, do the same.
#   There is no word of it in the docstrings.
# Seen: five policies with their seconds to the goal and their collisions. Scaled: 1, 0, 0, 0, 0 seconds and 0, 0, 0, 0,
#   1 collisions. As floats: 1, 0.56, 0.25, 0.06, 0 and 0, 0.03, 0.08, 0.17, 1. The best compromise is another policy. A
#   front that is 30 s and 20 collisions worse has the distance 0, and 0.35 as floats.
# Why it matters: collisions, steps and cents are counts. The trade-off between return and safety is chosen on scaled
#   columns, and a front that is far from the reference gets the distance of a perfect one.
# Way round: `astype(float)` before every call.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq scipy==1.17.1 numpy==2.4.6
venv/bin/pip install -qq --no-deps pymoo==0.6.2  # scaling and distances need no more than these
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from pymoo.decomposition.asf import ASF
from pymoo.indicators.gd import GD
from pymoo.util.normalization import denormalize, normalize

print({name: version(name) for name in ("pymoo", "scipy", "numpy")})
# for each policy: seconds to the goal, and collisions in 100 episodes; less of both is better
policies = np.array([[120, 18], [85, 20], [60, 24], [45, 30], [40, 90]])
weights = np.array([0.5, 0.5])


def choice(table):
    """The policy with the best compromise, as in the examples of pymoo."""
    return int(ASF().do(normalize(table), 1 / weights).argmin())


counts, floats = normalize(policies), normalize(policies.astype(float))
print("counts:", counts.tolist(), counts.dtype)
print("floats:", floats.round(2).tolist())
print("compromise by counts and by floats:", choice(policies), choice(policies.astype(float)))
right = (policies - policies.min(0)) / np.ptp(policies, axis=0)
assert set(counts.ravel().tolist()) == {0, 1} and counts.sum() == 2, "counts are scaled now"
assert np.allclose(floats, right), "the way round fails"
assert choice(policies) == 1 and choice(policies.astype(float)) == 3, "the choice is the same"
far = policies[1:4] + np.array([30, 20])  # three policies, each 30 s slower and with 20 collisions more
distance = {}
for name, kind in (("counts", int), ("floats", float)):
    distance[name] = float(GD(policies.astype(kind), zero_to_one=True)(far.astype(kind)))
print("distance of a worse front:", distance)
assert distance["counts"] == 0 and distance["floats"] > 0.2, "the distance has changed"
half, low, high = np.array([[0, 1], [1, 0]]), np.array([0.5, 10.0]), np.array([1.5, 20.0])
back = denormalize(half, low, high), denormalize(half.astype(float), low, high)
print("denormalize:", back[0].tolist(), "and floats:", back[1].tolist())
assert back[0].tolist() == [[0, 20], [1, 10]] and back[1].tolist() == [[0.5, 20], [1.5, 10]], "fractions are kept now"
PY
