#!/usr/bin/env bash
# Gymnasium's vector environments turn a cost of 0.75 into 0 when the first environment reports 0.
#
# Versions: gymnasium 1.4.0, numpy 2.4.6.
# One would guess: entries of `info` are gathered as they are, or in a type that holds all of them.
# What happens: the array of an entry has the type of the first environment that has it, at each step anew.
#   Later values are cast: floats to integers, numbers to booleans. No warning.
# Seen: cost 0 and 0.75 give [0, 0]. Cost 0.75 and 0 give [0.75, 0.0]. True and 2 give [True, True].
# Why it matters: costs are 0 (an integer) in most steps and a fraction in some, and they are in `info`.
#   Safety looks better the more environments run side by side.
# Way round: `float(cost)` in a wrapper around each environment.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import SyncVectorEnv

print({name: version(name) for name in ("gymnasium", "numpy")})
class Costly(gymnasium.Env):
    observation_space = Box(0, 1, (1,), np.float32)
    action_space = Discrete(2)

    def __init__(self, cost):
        self.cost = cost

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return np.zeros(1, np.float32), 0.0, False, False, {"cost": self.cost}


def costs(*values):
    env = SyncVectorEnv([lambda value=value: Costly(value) for value in values])
    env.reset(seed=0)
    *_, info = env.step(np.zeros(len(values), int))
    return info["cost"].tolist()


print("0 and 0.75:", costs(0, 0.75), "0.75 and 0:", costs(0.75, 0), "True and 2:", costs(True, 2))
assert costs(0, 0.75) == [0, 0], "costs are no longer cut"
assert costs(0.75, 0) == [0.75, 0.0]
assert costs(True, 2) == [True, True], "numbers are no longer cast to booleans"
assert costs(0.0, 0.75) == [0.0, 0.75], "the way round fails"
PY
