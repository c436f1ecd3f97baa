#!/usr/bin/env bash
# Gymnasium's NormalizeReward turns the first reward of 1 into 70.7.
#
# Versions: gymnasium 1.4.0, numpy 2.4.6.
# One would guess: a number of about 1 from the first step on, or 0 until something is known.
# What happens: the spread is estimated from a count that starts at 0.0001 with variance 1, so the first
#   return is its own mean and its spread is nearly 0. The reward is divided by that.
# Seen: rewards of 1 become 70.7, 2.02, 1.24, 0.91, 0.73.
# Why it matters: the first transition of every run is an outlier; a critic is thrown off at once, and logs
#   made with the wrapper keep it for ever. Stable-Baselines3's VecNormalize cuts at 10.
# Way round: `TransformReward` with a fixed factor, or a clip after it.
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
from gymnasium.wrappers import NormalizeReward

print({name: version(name) for name in ("gymnasium", "numpy")})
class Constant(gymnasium.Env):
    observation_space = Box(0, 1, (1,), np.float32)
    action_space = Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return np.zeros(1, np.float32), 1.0, False, False, {}


env = NormalizeReward(Constant())
env.reset(seed=0)
rewards = [float(env.step(0)[1]) for _ in range(5)]
print(np.round(rewards, 2).tolist())
assert rewards[0] > 70, "the first reward is no longer an outlier"
assert all(0.5 < reward < 2.1 for reward in rewards[1:]), "the other rewards have changed"
PY
