#!/usr/bin/env bash
# rliable's interquartile mean of three runs is their plain mean, one failed run included.
#
# Versions: rliable 1.2.0, scipy 1.17.1, numpy 2.4.6.
# One would guess: the lowest and the highest quarter are left out; where a quarter is no whole number of runs,
#   with fractional weights.
# What happens: the number of scores to leave out is rounded down at each end. Up to three scores none is
#   left out, of seven one at each end, so that five of seven are "the middle half".
# Seen: scores 0.8, 0.9 and -10 give -2.77, the mean. A fourth run of 0.85 gives 0.825.
# Why it matters: three seeds of one task are a usual table in safe RL, where one run often fails. The
#   figure that is known to be robust is not, and it jumps when a seed is added.
# Way round: weights for the two scores at the edges, or the median, or at least 4 runs and a multiple of 4.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq scipy==1.17.1 numpy==2.4.6
venv/bin/pip install -qq --no-deps rliable==1.2.0  # its metrics need no more than these
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from rliable import metrics

print({name: version(name) for name in ("rliable", "scipy", "numpy")})
three = np.array([0.8, 0.9, -10.0])[:, None]
four = np.append(three, [[0.85]], axis=0)
seven = np.array([-10.0, -5.0, 0.8, 0.8, 0.8, 0.8, 0.8])[:, None]


def middle_half(scores):
    ordered, count = np.sort(scores, axis=None), scores.size
    edges = np.clip(np.arange(count + 1), count / 4, 3 * count / 4)
    return np.diff(edges) @ ordered / (count / 2)


for scores in (three, four, seven):
    print(scores.ravel(), "rliable", metrics.aggregate_iqm(scores), "with fractional weights", middle_half(scores))
assert np.isclose(metrics.aggregate_iqm(three), three.mean()), "three runs are no longer all kept"
assert np.isclose(metrics.aggregate_iqm(four), 0.825), "four runs have changed"
assert np.isclose(metrics.aggregate_iqm(seven), (-5 + 4 * 0.8) / 5), "seven runs have changed"
assert np.isclose(middle_half(four), 0.825) and middle_half(three) > -2.6, "the way round fails"
PY
