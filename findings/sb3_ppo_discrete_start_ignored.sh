#!/usr/bin/env bash
# Stable-Baselines3 sends actions 0, 1, 2 to an environment whose actions are Discrete(3, start=1).
#
# Versions: stable_baselines3 2.9.2, gymnasium 1.4.0, torch 2.13.0, numpy 2.4.6.
# One would guess: actions lie in the action space, or the space is refused when the model is made.
# What happens: PPO and A2C ignore `start`, in training and in `predict`: action 0 is no member of the
#   space and action 3 is never taken. Only `check_env`, which has to be called by hand, warns.
# Seen: 200 steps of PPO and of A2C. The environment gets 0, 1 and 2; the space holds 1, 2 and 3.
# Why it matters: logs with gears 1 to 3 or with lanes -1 to 1 are stored with `start`. The policy acts
#   off by one: in Python, an index -1 or a missing entry is read without an error.
# Way round: a `gymnasium.wrappers.TransformAction` to a space that starts at 0.
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
from gymnasium.wrappers import TransformAction
from stable_baselines3 import A2C, PPO

print({name: version(name) for name in ("torch", "stable_baselines3", "gymnasium", "numpy")})
taken = set()


class Gears(gymnasium.Env):
    observation_space = Box(-1, 1, (1,), np.float32)
    action_space = Discrete(3, start=1)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        taken.add(int(action))
        self.steps += 1
        return np.zeros(1, np.float32), 1.0, False, self.steps >= 20, {}


for algorithm in (PPO, A2C):
    taken.clear()
    model = algorithm("MlpPolicy", Gears(), seed=0, device="cpu", **({"n_steps": 128} if algorithm is PPO else {}))
    model.learn(200)
    predicted = {int(model.predict(np.zeros(1, np.float32))[0]) for _ in range(100)}
    print(algorithm.__name__, "taken", taken, "predicted", predicted)
    assert taken == predicted == {0, 1, 2}, "the actions now follow the space"
    assert not Gears.action_space.contains(0)

taken.clear()
PPO("MlpPolicy", TransformAction(Gears(), lambda action: action + 1, Discrete(3)), n_steps=128, device="cpu").learn(200)
assert taken == {1, 2, 3}, "the way round fails"
PY
