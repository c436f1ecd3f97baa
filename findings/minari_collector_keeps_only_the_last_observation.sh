#!/usr/bin/env bash
# Minari's DataCollector stores the last observation for every step when an environment reuses its array.
#
# Versions: minari 0.5.4, gymnasium 1.4.0, numpy 2.4.6.
# One would guess: the collector copies what it is given, since the step is over when it stores it.
# What happens: it keeps references to observations and actions until the episode is written. An array
#   that is changed in place, by the environment or by the policy, changes all earlier steps.
# Seen: observations 0, 1, 2, 3, 4 are stored as 4, 4, 4, 4, 4; actions 0, .1, .2, .3 as .3 four times.
#   Rewards, which are numbers, are right.
# Why it matters: simulators and loops written for speed fill one buffer. The dataset has the right
#   shapes, returns and lengths, and no information.
# Way round: copy in a wrapper inside the collector, and pass a copy of the action.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq "minari[create,hdf5]==0.5.4" gymnasium==1.4.0 numpy==2.4.6 pillow==11.3.0
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import os
import warnings

os.environ["MINARI_DATASETS_PATH"] = os.getcwd()
import gymnasium
import minari
import numpy as np
from gymnasium.spaces import Box

print({name: version(name) for name in ("minari", "gymnasium", "numpy", "pillow")})
warnings.simplefilter("ignore")  # about authors and permalinks that are not given


class Counter(gymnasium.Env):
    observation_space = Box(-np.inf, np.inf, (1,), np.float64)
    action_space = Box(-1, 1, (1,), np.float64)
    buffer = np.zeros(1)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.buffer[:] = 0
        return self.buffer, {}

    def step(self, action):
        self.buffer += 1
        return self.buffer, float(self.buffer[0]), False, bool(self.buffer[0] == 4), {}


class Copied(gymnasium.ObservationWrapper):
    def observation(self, observation):
        return observation.copy()


def collect(name, env, copy):
    collector = minari.DataCollector(env)
    action = np.zeros(1)
    collector.reset(seed=0)
    for index in range(4):
        action[:] = index / 10
        collector.step(action.copy() if copy else action)
    return collector.create_dataset(f"buffer/{name}-v0")[0]


episode = collect("kept", Counter(), copy=False)
print(episode.observations.ravel(), episode.actions.ravel(), episode.rewards)
assert (episode.observations == 4).all(), "observations are now copied"
assert (episode.actions == 0.3).all(), "actions are now copied"
assert episode.rewards.tolist() == [1, 2, 3, 4]

episode = collect("copied", Copied(Counter()), copy=True)
assert episode.observations.ravel().tolist() == [0, 1, 2, 3, 4], "the way round fails"
assert np.allclose(episode.actions.ravel(), [0, 0.1, 0.2, 0.3]), "the way round fails"
PY
