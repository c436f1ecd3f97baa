#!/usr/bin/env bash
# Stable-Baselines3's `VecEnv.set_attr` sets the outer wrapper, and `get_attr` confirms the change.
#
# Versions: stable_baselines3 2.9.2, gymnasium 1.4.0, torch 2.13.0, numpy 2.4.6.
# One would guess: `set_attr("limit", 5)` changes the attribute that `get_attr("limit")` reads.
# What happens: `get_attr` looks through the wrappers down to the environment. `set_attr` makes a new
#   attribute on the outermost wrapper. Afterwards `get_attr` finds that one first.
# Seen: a Monitor around an environment with limit 1. After `set_attr("limit", 5)` `get_attr` says 5, and
#   the environment still works with 1. `make_vec_env` always puts a Monitor around.
# Why it matters: cost limits, curricula and noise are set so between phases. The run reports the new
#   limit, and trains and evaluates under the old one.
# Way round: a setter method on the environment and `env_method`, or `env_method("set_wrapper_attr", ...)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 stable_baselines3==2.9.2 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from stable_baselines3.common.env_util import make_vec_env

print({name: version(name) for name in ("torch", "stable_baselines3", "gymnasium", "numpy")})
class Limited(gymnasium.Env):
    observation_space = Box(0, 100, (1,), np.float32)
    action_space = Discrete(2)

    def __init__(self):
        self.limit = 1

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.full(1, self.limit, np.float32), {}

    def step(self, action):
        return np.full(1, self.limit, np.float32), 0.0, False, False, {}


env = make_vec_env(Limited)
env.set_attr("limit", 5)
reported, used = env.get_attr("limit"), env.reset()
print("get_attr", reported, "in use", used.ravel())
assert reported == [5], "get_attr no longer finds the new value"
assert used.item() == 1, "set_attr now reaches the environment"

env = make_vec_env(Limited)
env.env_method("set_wrapper_attr", "limit", 5)
assert env.reset().item() == 5, "the way round fails"
PY
