#!/usr/bin/env bash
# MO-Gymnasium's clipping turns every cost of -1 into 0, and its normalising -1.5 into -1, when rewards are integers.
#
# Versions: mo-gymnasium 1.3.2, gymnasium 1.4.0, numpy 2.4.6.
# One would guess: `MOClipReward(env, idx=1, min_r=-0.5, max_r=0)` makes -0.5 of -1, as it does for floats.
# What happens: the wrappers write the new number into the array that the environment returned. An array of integers
#   cuts it. What a recorder below keeps of that array is changed as well. Neither is documented.
# Seen: 9 steps with 3 m and a collision in each third step. Floats, clipped: the costs add up to -1.5. Integers: 0.
#   Normalised: -2.12, -1.48, -1.09 for floats, -2, -1, -1 for integers. A list of the rewards below the wrapper holds
#   the clipped ones.
# Why it matters: metres and collisions in `np.array([3, -1])` are integers. The agent is never told of a collision, and
#   the log below says that there was none.
# Way round: a wrapper below that returns `np.array(reward, dtype=float)`, which is also a copy.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq mo-gymnasium==1.3.2 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I -W ignore - 2>log <<'PY'
from importlib.metadata import version

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from mo_gymnasium.wrappers import MOClipReward, MONormalizeReward

print({name: version(name) for name in ("mo-gymnasium", "gymnasium", "numpy")})


class Car(gymnasium.Env):
    """Three metres a step, and a collision in each third step."""

    observation_space, action_space, reward_space = Box(0, 9, (1,)), Discrete(2), Box(-9, 9, (2,))

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.time += 1
        reward = np.array([3, -1 if self.time % 3 == 0 else 0])
        return np.full(1, self.time, np.float32), reward, False, self.time == 9, {}


class Recorder(gymnasium.Wrapper):
    def __init__(self, env):
        super().__init__(env)
        self.rewards = []

    def step(self, action):
        seen = self.env.step(action)
        self.rewards.append(seen[1])
        return seen


def costs(wrap, as_float):
    recorder = Recorder(Car())
    below = gymnasium.wrappers.TransformReward(recorder, lambda r: np.array(r, float)) if as_float else recorder
    env = wrap(below)
    env.reset()
    given = [round(float(env.step(0)[1][1]), 2) for _ in range(9)][2::3]
    kept = [int(reward[1]) for reward in recorder.rewards][2::3]
    print("floats" if as_float else "integers", type(env).__name__, "costs given", given, "costs recorded below", kept)
    return given, kept


def clip(env):
    return MOClipReward(env, idx=1, min_r=-0.5, max_r=0)


def normalise(env):
    return MONormalizeReward(env, idx=1)


assert costs(clip, True) == ([-0.5] * 3, [-1] * 3), "the way round fails"
assert costs(normalise, True) == ([-2.12, -1.48, -1.09], [-1] * 3), "the way round fails"
assert costs(clip, False) == ([0] * 3, [0] * 3), "integers are clipped to fractions now"
assert costs(normalise, False) == ([-2, -1, -1], [-2, -1, -1]), "integers are normalised to fractions now"
PY
