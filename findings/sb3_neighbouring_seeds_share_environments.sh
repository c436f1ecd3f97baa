#!/usr/bin/env bash
# With seeds 0 and 1, seven of eight parallel environments of Stable-Baselines3 draw the same numbers.
#
# Versions: stable_baselines3 2.9.2, gymnasium 1.4.0, torch 2.13.0, numpy 2.4.6.
# One would guess: two seeds give two independent sets of environments.
# What happens: environment i gets seed + i. Seeds 0 and 1 use 0...7 and 1...8. The vector environments
#   of Gymnasium do the same.
# Seen: first observations of 8 environments. 7 of 8 are equal between seeds 0 and 1, in both libraries;
#   none are equal between seeds 0 and 8.
# Why it matters: runs "with seeds 0 to 4" are no independent repetitions: they start in the same
#   states, so that their spread is too small. An evaluation with the next seed meets training's starts.
# Way round: seeds that are further apart than the number of environments, e.g. 0, 1000, 2000.
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
class Start(gymnasium.Env):
    observation_space = Box(0, 1, (1,), np.float64)
    action_space = Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.np_random.uniform(size=1), {}


def starts(seed):
    in_sb3 = make_vec_env(Start, n_envs=8, seed=seed).reset()
    in_gymnasium, _ = gymnasium.vector.SyncVectorEnv([Start] * 8).reset(seed=seed)
    return set(in_sb3.ravel()), set(in_gymnasium.ravel())


zero, one, eight = starts(0), starts(1), starts(8)
shared = [len(first & second) for first, second in zip(zero, one)]
print("shared by seeds 0 and 1:", shared)
assert shared == [7, 7], "neighbouring seeds no longer share environments"
assert [len(first & second) for first, second in zip(zero, eight)] == [0, 0], "the way round fails"
PY
