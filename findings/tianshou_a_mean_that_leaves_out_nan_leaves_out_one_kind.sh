#!/usr/bin/env bash
# tianshou's MovAvg leaves out `np.nan` and takes `float("nan")`: one lost cost makes the mean of 100 runs NaN.
#
# Versions: tianshou 2.0.1, torch 2.13.0, numpy 2.4.6.
# One would guess: no NaN gets in. The docstring says that the class "will automatically exclude the infinity and
#   NaN".
# What happens: a number is compared with a list of `inf`, `nan` and `-inf`. NaN is equal to nothing, so only the
#   object `np.nan` itself is found in the list. NaN in an array or a tensor, from `float("nan")`, JSON or a division
#   is another object. It counts until as many numbers as the size of the window have followed. No warning.
# Seen: the mean of 5 and 7 is 6.0 after `np.nan` and after three kinds of infinity, and NaN after seven other kinds
#   of NaN. With the default window the mean is NaN for 100 costs after one NaN in an array, and right at the next.
# Why it matters: one episode without a cost, or one diverged loss, and the mean that training is watched or stopped
#   by is NaN for 100 entries. A comparison with a limit is false all that time: cost > limit never stops the robot.
# Way round: `average.add(values[numpy.isfinite(values)])`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq tianshou==2.0.1 torch==2.13.0 numpy==2.4.6
OMP_NUM_THREADS=1 venv/bin/python -I -W ignore - <<'PY'
import json
from importlib.metadata import version

import numpy as np
import torch
from tianshou.utils import MovAvg

print({name: version(name) for name in ("tianshou", "torch", "numpy")})


def after(value, usable=lambda value: value):
    """The mean of 5, 7 and the value."""
    average = MovAvg()
    average.add([5.0, 7.0])
    return average.add(usable(value))


left_out = {"np.nan": np.nan, "[np.nan]": [np.nan], "inf": float("inf"), "array of inf": np.array([np.inf]),
            "tensor of -inf": torch.tensor(-np.inf)}
taken = {'float("nan")': float("nan"), "JSON": json.loads("[NaN]"), "array of NaN": np.array([np.nan]),
         "float32": np.float32("nan"), "tensor of NaN": torch.tensor(np.nan), "mean of nothing": np.mean([]),
         "0 / 0": np.float64(0) / 0}
for name, value in (left_out | taken).items():
    print(f"5, 7 and {name}: {after(value)}")
assert all(after(value) == 6 for value in left_out.values()), "what was left out is taken now"
assert all(np.isnan(after(value)) for value in taken.values()), "all kinds of NaN are left out now"

costs = np.ones(250)
costs[50] = np.nan
average = MovAvg()
means = np.array([average.add(cost) for cost in costs])
unknown = np.flatnonzero(np.isnan(means))
print(f"a NaN at 50: the mean is NaN from {unknown[0]} to {unknown[-1]}, {len(unknown)} times")
assert (unknown == np.arange(50, 150)).all() and (means[150:] == 1).all(), "the mean is NaN for another time now"


def finite(value):
    value = np.atleast_1d(np.asarray(value, float))
    return value[np.isfinite(value)]


assert all(after(value, finite) == 6 for value in (left_out | taken).values()), "the way round fails"
PY
