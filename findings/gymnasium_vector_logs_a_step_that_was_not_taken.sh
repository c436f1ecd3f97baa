#!/usr/bin/env bash
# Gymnasium's vector environments answer one action an episode with a reset, as if it were a step.
#
# Versions: gymnasium 1.4.0, numpy 2.4.6.
# One would guess: as in Gym and Stable-Baselines3: the step that ends an episode brings the
#   next start, and every action that is sent has an effect.
# What happens: by default the environment is reset by the *next* call of `step`. That call ignores its
#   action and returns the first observation with reward 0 and no end.
# Seen: episodes of three steps, 12 calls. The environment gets 9 actions. A log made from the calls has
#   three transitions from a last state to a start, with reward 0.
# Why it matters: logs for offline learning then hold transitions that never happened: after the crash
#   the car stands at the start, for any action and at no cost.
# Way round: `autoreset_mode=AutoresetMode.SAME_STEP`, or leave out the call after each end.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv

print({name: version(name) for name in ("gymnasium", "numpy")})
taken = []


class Walk(gymnasium.Env):
    observation_space = Box(0, 10, (1,), np.float64)
    action_space = Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = 0
        return np.array([0.0]), {}

    def step(self, action):
        taken.append(int(action))
        self.place += 1
        return np.array([float(self.place)]), 1.0, self.place == 3, False, {}


def log(**settings):
    taken.clear()
    env = SyncVectorEnv([Walk], **settings)
    observations, _ = env.reset(seed=0)
    rows = []
    for _ in range(12):
        before = observations.item()
        observations, rewards, ends, _, _ = env.step(np.array([1]))
        rows.append((before, rewards.item(), observations.item(), bool(ends.item())))
    return rows


rows = log()
print(len(taken), "actions taken;", rows[:4])
assert len(taken) == 9, "every action is now taken"
assert [row for row in rows if row[1] == 0.0] == [(3.0, 0.0, 0.0, False)] * 3, "the extra rows have changed"
rows = log(autoreset_mode=AutoresetMode.SAME_STEP)
assert len(taken) == 12 and all(reward == 1.0 for _, reward, _, _ in rows), "the way round fails"
PY
