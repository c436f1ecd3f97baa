#!/usr/bin/env bash
# d3rlpy takes continuous actions for classes when all of them are whole numbers.
#
# Versions: d3rlpy 2.8.1, torch 2.13.0, numpy 2.4.6.
# One would guess: float32 actions of shape (n, 2) are continuous; integers are classes.
# What happens: the values decide, not the type. Whole numbers are classes, as many as the largest + 1, and
#   the shape's last entry goes. An info line names the outcome; only an argument changes it.
# Seen: float32 actions -1 and 1 (full brake, full throttle): DISCRETE with size 2. With one action of
#   0.5 among them: CONTINUOUS with size 1.
# Why it matters: bang-bang drivers, grippers and clipped policies log only limits. -1 is no class, and
#   which kind of algorithm works depends on one row of the data.
# Way round: `MDPDataset(..., action_space=d3rlpy.ActionSpace.CONTINUOUS, action_size=n)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq d3rlpy==2.8.1 torch==2.13.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import warnings

warnings.simplefilter("ignore")
import d3rlpy
import numpy as np
from d3rlpy.dataset import MDPDataset

print({name: version(name) for name in ("d3rlpy", "torch", "numpy")})
def info(actions, **settings):
    steps = len(actions)
    rewards, ends = np.zeros((steps, 1), np.float32), np.arange(steps) == steps - 1
    observations = np.zeros((steps, 3), np.float32)
    found = MDPDataset(observations, actions, rewards, ends.astype(np.float32), **settings).dataset_info
    return found.action_space.name, found.action_size


limits = np.array([[-1.0], [1.0], [-1.0], [1.0]], np.float32)
between = np.concatenate([limits, [[0.5]]]).astype(np.float32)
print("limits", info(limits), "one between", info(between))
assert info(limits) == ("DISCRETE", 2), "whole numbers are no longer classes"
assert info(between) == ("CONTINUOUS", 1)
told = info(limits, action_space=d3rlpy.ActionSpace.CONTINUOUS, action_size=1)
assert told == ("CONTINUOUS", 1), "the way round fails"
PY
