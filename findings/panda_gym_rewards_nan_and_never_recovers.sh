#!/usr/bin/env bash
# panda-gym gives one action of NaN the reward of a success, and every observation after it is NaN, after resets, too.
#
# Versions: panda-gym 3.0.7, pybullet 3.2.7, gymnasium 0.29.1, scipy 1.17.1, numpy 2.4.6.
# One would guess: an error, or an episode that fails. At the latest `reset` starts a new one.
# What happens: the simulation's joints become NaN. The sparse reward is minus whether the distance is above a limit.
#   NaN is above nothing, so it is -0.0, as at the goal. Success asks whether it is below. A reset sets positions anew,
#   and what PyBullet has computed stays NaN.
# Seen: reach, one action (NaN, 0, 0): reward -0.0, the best there is, where other steps have -1.0. `is_success` is
#   false, nothing is terminated. Three resets and a good step after each: NaN in all observations.
# Why it matters: one overflow of a policy ends a night of collecting. The rest of the log has the highest return that
#   is possible. Rewards that are computed again from goals, for hindsight, agree with it.
# Way round: test `np.isfinite(action).all()` before each step; make a new environment after a NaN.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq panda-gym==3.0.7 pybullet==3.2.7 gymnasium==0.29.1 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import gymnasium as gym
import numpy as np
import panda_gym

print({name: version(name) for name in ("panda-gym", "pybullet", "gymnasium", "scipy", "numpy")})
assert panda_gym
GOOD, BAD = np.array([0.1, 0.0, 0.0]), np.array([np.nan, 0.0, 0.0])


def step(env, action):
    """Whether the observation is a number, the reward, the end and success."""
    observation, reward, terminated, _, info = env.step(action)
    finite = np.isfinite(observation["observation"]).all()
    return bool(finite), float(reward), bool(terminated), bool(info["is_success"])


env = gym.make("PandaReach-v3")
env.reset(seed=1)
good, bad = step(env, GOOD), step(env, BAD)
print("good action:", good, "NaN:", bad)
assert good == (True, -1.0, False, False)
assert bad == (False, 0.0, False, False), "NaN is rewarded otherwise now"
for seed in range(3):
    observation, _ = env.reset(seed=seed)
    after = step(env, GOOD)
    print("after reset:", observation["observation"], after)
    assert np.isnan(observation["observation"]).all() and after == bad, "a reset recovers now"
again = gym.make("PandaReach-v3")
again.reset(seed=1)
assert step(again, GOOD) == good, "the way round fails"
PY
