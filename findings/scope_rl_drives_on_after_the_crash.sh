#!/usr/bin/env bash
# SCOPE-RL's logged trajectories go on after the environment has terminated.
#
# Versions: scope-rl 0.2.1, d3rlpy 2.8.1, torch 2.13.0, gym 0.26.2, gymnasium 1.0.0, numpy 2.4.6.
# One would guess: a trajectory ends when `step` returns terminated, and the next one begins with `reset`.
# What happens: every trajectory has `step_per_trajectory` steps. The environment is stepped on without a reset,
#   and what it returns is stored. `terminal` is set at the last of these steps, not at the crash.
# Seen: a car that crashes at step 3 and pays -1 from then on, six steps a trajectory. Each has three steps after
#   the crash; the logged return is -2 where an episode of the environment has +1.
# Why it matters: the estimators sum all of it. Their rollout of the evaluated policy does stop at the crash, so
#   estimates and truth belong to two different tasks.
# Way round: leave out, or set to reward 0, all rows after the first `done` of a trajectory.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq scope-rl==0.2.1 d3rlpy==2.8.1 torch==2.13.0 gym==0.26.2 gymnasium==1.0.0 numpy==2.4.6
venv/bin/python -I -W ignore - 2>log <<'PY'
from importlib.metadata import version

import d3rlpy
import gym
import numpy as np
from scope_rl.dataset import SyntheticDataset
from scope_rl.ope.online import calc_on_policy_policy_value
from scope_rl.policy import EpsilonGreedyHead

print({name: version(name) for name in ("scope-rl", "d3rlpy", "torch", "gym", "gymnasium", "numpy")})


class Crash(gym.Env):
    """+1 a step before the crash at step 3, -1 from then on."""

    observation_space = gym.spaces.Box(0, 9, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, seed=None, options=None):
        self.time = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.time += 1
        crashed = self.time >= 3
        return np.full(1, self.time, np.float32), -1.0 if crashed else 1.0, crashed, False, {}


network = d3rlpy.algos.DiscreteBCConfig().create()
network.create_impl((1,), 2)
uniform = EpsilonGreedyHead(network, name="uniform", n_actions=2, epsilon=1.0, random_state=0)
logged = SyntheticDataset(env=Crash(), max_episode_steps=6).obtain_episodes(uniform, n_trajectories=2, random_state=0)
columns = {name: np.asarray(logged[name]).reshape(2, 6) for name in ("state", "reward", "done", "terminal")}
measured = calc_on_policy_policy_value(Crash(), uniform, n_trajectories=2, step_per_trajectory=6)
for name, values in columns.items():
    print(name, values[0].tolist())
print("logged return", columns["reward"].sum(1), "on-policy value", measured)
assert (columns["state"] == np.arange(6)).all() and (columns["done"] == [0, 0, 1, 1, 1, 1]).all(), "it stops now"
assert (columns["terminal"] == [0, 0, 0, 0, 0, 1]).all(), "the crash is marked as the end now"
assert (columns["reward"].sum(1) == -2).all() and measured == 1, "the returns are others"
PY
