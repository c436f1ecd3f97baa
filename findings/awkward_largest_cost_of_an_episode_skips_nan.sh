#!/usr/bin/env bash
# Awkward Array's maximum of an episode skips a missing cost, its maximum of all episodes is NaN, and argmax finds NaN.
#
# Versions: awkward 2.14.0, numpy 2.4.6.
# One would guess: `ak.max` treats NaN in one way, as NumPy does, and `argmax` points at the value that `max` returns.
# What happens: over the steps of each episode NaN is skipped. Over all it is not. `argmax` compares with the first
#   value, so NaN stays the largest when it stands first, and is skipped anywhere else.
# Seen: costs [NaN, 2, 1] of one episode have the maximum 2, the minimum 1, and NaN at both argmax and argmin. The
#   maximum of all three episodes is NaN, that of their maxima is 3. The mean of each is NaN.
# Why it matters: the worst step of each episode, by argmax, is one whose cost nobody knows. A limit on the largest cost
#   holds by episode, and is unknown over all.
# Way round: `ak.drop_none(ak.nan_to_none(costs))` first, or a check with `ak.any(np.isnan(costs), axis=1)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq awkward==2.14.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import awkward as ak
import numpy as np

print({name: version(name) for name in ("awkward", "numpy")})
nan = np.nan
costs = ak.Array([[nan, 2.0, 1.0], [1.0, nan, 3.0, 0.0], [0.5]])
largest, smallest = ak.max(costs, axis=1), ak.min(costs, axis=1)
where, where_smallest = ak.argmax(costs, axis=1), ak.argmin(costs, axis=1)
print("by episode: max", largest.to_list(), "at", where.to_list(), "min", smallest.to_list())
print("over all: max", ak.max(costs), "min", ak.min(costs), "max of the maxima", ak.max(largest))
assert largest.to_list() == [2, 3, 0.5] and smallest.to_list() == [1, 0, 0.5], "NaN is not skipped by episode now"
assert np.isnan(ak.max(costs)) and np.isnan(ak.min(costs)) and ak.max(largest) == 3, "NaN is skipped over all now"
assert where.to_list() == [0, 2, 0] and where_smallest.to_list() == [0, 3, 0], "argmax agrees with max now"
assert np.isnan(costs[0, where[0]]) and costs[1, where[1]] == 3
assert np.isnan(ak.mean(costs, axis=1).to_list()).tolist() == [True, True, False]
assert all(np.isnan(np.max(np.array(episode))) for episode in costs.to_list()[:2])

known = ak.drop_none(ak.nan_to_none(costs))
best = ak.argmax(known, axis=1)
print("without NaN:", [known[row, at] for row, at in enumerate(best)], ak.max(known))
assert [known[row, at] for row, at in enumerate(best)] == largest.to_list() and ak.max(known) == 3
assert ak.any(np.isnan(costs), axis=1).to_list() == [True, True, False], "the way round fails"
PY
