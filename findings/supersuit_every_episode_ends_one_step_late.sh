#!/usr/bin/env bash
# SuperSuit's black_death adds a step of zeros to every episode, and marks it as both terminated and truncated.
#
# Versions: supersuit 3.11.0, pettingzoo 1.27.0, gymnasium 1.4.0, numpy 2.4.6.
# One would guess: agents that are gone are shown as zeros, and the end of the episode stays where it is.
# What happens: the end is reported only once no agent is left (it asks for terminated *and* truncated). So the
#   last real step counts as going on, a step with zeros and reward 0 follows, and that one is the end, of both
#   kinds, for a crash and for a time limit alike. The crash of one agent among others is never marked.
# Seen: two cars, 4 steps; the first crashes at step 2, the second reaches the limit at step 4. The vector
#   environment reports 5 steps and no end before the fifth, whose last observation is 0.
# Why it matters: the value of the state after a crash is learnt from what follows it. Episodes are one step too
#   long, and zeros are in the data. This wrapper is the documented way to train several agents that may be lost.
# Way round: read the ends from the environment below, and drop steps of agents that are not in its `agents`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq supersuit==3.11.0 pettingzoo==1.27.0 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import supersuit
from gymnasium.spaces import Box, Discrete
from pettingzoo import ParallelEnv

print({name: version(name) for name in ("supersuit", "pettingzoo", "gymnasium", "numpy")})


class Cars(ParallelEnv):
    """The first car crashes at step 2; the time limit is step 4."""

    metadata = {"name": "cars", "render_modes": []}
    render_mode = None
    possible_agents = ["first", "second"]

    def observation_space(self, agent):
        return Box(0, 9, (1,), np.float32)

    def action_space(self, agent):
        return Discrete(2)

    def reset(self, seed=None, options=None):
        self.agents, self.time = list(self.possible_agents), 0
        return {car: np.zeros(1, np.float32) for car in self.agents}, {car: {} for car in self.agents}

    def step(self, actions):
        self.time += 1
        cars = self.agents
        crashed = {car: car == "first" and self.time == 2 for car in cars}
        late = {car: self.time == 4 for car in cars}
        self.agents = [car for car in cars if not (crashed[car] or late[car])]
        seen = {car: np.full(1, self.time, np.float32) for car in cars}
        return seen, dict.fromkeys(cars, 1.0), crashed, late, {car: {} for car in cars}


env = Cars()
env.reset()
real = []
while env.agents:
    _, _, crashed, late, _ = env.step(dict.fromkeys(env.agents, 0))
    real.append((crashed, late))
wrapped = supersuit.pettingzoo_env_to_vec_env_v1(supersuit.black_death_v3(Cars()))
wrapped.reset()
shown, ended = [], False
while not ended:
    _, rewards, terminated, truncated, infos = wrapped.step(np.zeros(2, int))
    shown.append((rewards.tolist(), terminated.tolist(), truncated.tolist()))
    ended = terminated.any() or truncated.any()
print("real", *real, "shown", *shown, "last", infos[1]["terminal_observation"], sep="\n")
assert len(real) == 4 and real[1][0]["first"] and real[3][1]["second"]
assert shown[:4] == [([float(step < 2), 1.0], [0, 0], [0, 0]) for step in range(4)], "the ends are shown now"
assert shown[4:] == [([0, 0], [1, 1], [1, 1])], "the added step has gone"
assert infos[1]["terminal_observation"].tolist() == [0], "the last observation has changed"
PY
