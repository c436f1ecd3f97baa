#!/usr/bin/env bash
# Stable-Baselines3 reports a return of 0 for an episode that earned 4e-7, in `evaluate_policy` as well.
#
# Versions: stable_baselines3 2.9.2, gymnasium 1.4.0, torch 2.13.0, numpy 2.4.6.
# One would guess: the return is the sum of the rewards, in float64.
# What happens: Monitor rounds it to six decimals, and `evaluate_policy` takes the number from Monitor.
#   Numbers named in `info_keywords` are not rounded.
# Seen: ten rewards of 4e-8 give a return of 0.0; without Monitor `evaluate_policy` gives 4e-7.
# Why it matters: rewards in SI units (coulombs, metres at a microscope) or divided by a large constant.
#   All policies look alike, and a best model is never saved.
# Way round: scale rewards to about 1, or evaluate without Monitor.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 stable_baselines3==2.9.2 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import warnings

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor

print({name: version(name) for name in ("torch", "stable_baselines3", "gymnasium", "numpy")})
warnings.simplefilter("ignore")  # that there is no Monitor


class Small(gymnasium.Env):
    observation_space = Box(0, 1, (1,), np.float32)
    action_space = Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.steps += 1
        return np.zeros(1, np.float32), 4e-8, False, self.steps == 10, {}


class Policy:
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return np.zeros(len(observation), int), state


with_monitor, _ = evaluate_policy(Policy(), Monitor(Small()), n_eval_episodes=2)
without, _ = evaluate_policy(Policy(), Small(), n_eval_episodes=2)
print("with Monitor", with_monitor, "without", without)
assert with_monitor == 0.0, "small returns are no longer rounded to zero"
assert np.isclose(without, 4e-7, rtol=1e-6, atol=0), "the way round fails"
PY
