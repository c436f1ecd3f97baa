#!/usr/bin/env bash
# PettingZoo's `MultiEpisodeParallelEnv` says of no robot that it crashed: 0 of 3 crashes, and its AEC twin says 3.
#
# Versions: pettingzoo 1.27.0, gymnasium 1.4.0, numpy 2.4.6.
# One would guess: robots may be lost one after the other, as in any environment of PettingZoo, and each is told so in
#   the step in which it is lost. Only the end of the episode is hidden, until the last of them.
# What happens: all terminations and truncations are set to False in every step, and once, at the very end, the
#   truncations of those who are left are set to True. A robot that crashed before is just not there in the next step.
#   The docstring speaks of the end of episodes only. `MultiEpisodeEnv` passes all on.
# Seen: two robots, three episodes of 4 steps; the first crashes at step 2 of each. Its six steps have terminated and
#   truncated False. The other has one truncation, at step 12. `MultiEpisodeEnv` around the same robots: 3
#   terminations of the first, 3 truncations of the other.
# Why it matters: the wrapper is meant for evaluation. A count of crashes is 0. A memory that pairs the steps of a
#   robot by its name joins the crash with the start of the next episode, as if it had driven on.
# Way round: count and store in a `BaseParallelWrapper` below this one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pettingzoo==1.27.0 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from collections import Counter
from importlib.metadata import version

import numpy as np
from gymnasium.spaces import Box, Discrete
from pettingzoo import ParallelEnv
from pettingzoo.utils import parallel_to_aec
from pettingzoo.utils.wrappers import BaseParallelWrapper, MultiEpisodeEnv, MultiEpisodeParallelEnv

print({name: version(name) for name in ("pettingzoo", "gymnasium", "numpy")})


class Robots(ParallelEnv):
    """The first crashes at step 2; the time limit is step 4."""

    metadata = {"name": "robots", "render_modes": []}
    render_mode = None
    possible_agents = ["first", "second"]

    def observation_space(self, agent):
        return Box(0, 9, (1,), np.float32)

    def action_space(self, agent):
        return Discrete(2)

    def reset(self, seed=None, options=None):
        self.agents, self.time = list(self.possible_agents), 0
        return {name: np.zeros(1, np.float32) for name in self.agents}, {name: {} for name in self.agents}

    def step(self, actions):
        self.time += 1
        names = self.agents
        crashed = {name: name == "first" and self.time == 2 for name in names}
        late = {name: self.time == 4 for name in names}
        self.agents = [name for name in names if not (crashed[name] or late[name])]
        seen = {name: np.full(1, self.time, np.float32) for name in names}
        return seen, dict.fromkeys(names, 1.0), crashed, late, {name: {} for name in names}


def told(count, name, terminated, truncated):
    count[name, "steps"] += 1
    count[name, "terminated"] += terminated
    count[name, "truncated"] += truncated


class Count(BaseParallelWrapper):
    """Counts what the robots themselves say."""

    def step(self, actions):
        results = super().step(actions)
        for name in results[2]:
            told(below, name, results[2][name], results[3][name])
        return results


together, below = Counter(), Counter()
env = MultiEpisodeParallelEnv(Count(Robots()), 3)
env.reset(seed=0)
while env.agents:
    _, _, terminated, truncated, _ = env.step(dict.fromkeys(env.agents, 0))
    for name in terminated:
        told(together, name, terminated[name], truncated[name])
in_turn = Counter()
env = MultiEpisodeEnv(parallel_to_aec(Robots()), 3)
env.reset(seed=0)
for name in env.agent_iter():
    _, _, terminated, truncated, _ = env.last()
    told(in_turn, name, terminated, truncated)
    env.step(None if terminated or truncated else 0)
kinds = ("terminated", "truncated")
for wrapper, count in (("MultiEpisodeParallelEnv", together), ("MultiEpisodeEnv", in_turn), ("below", below)):
    print(wrapper, {name: {kind: count[name, kind] for kind in kinds} for name in Robots.possible_agents})
print("steps", together["first", "steps"], together["second", "steps"])
assert [together["first", kind] for kind in ("steps", *kinds)] == [6, 0, 0], "crashes are told now"
assert [together["second", kind] for kind in ("steps", *kinds)] == [12, 0, 1], "time limits are told otherwise now"
assert [in_turn[name, kind] for name in Robots.possible_agents for kind in kinds] == [3, 0, 0, 3], "the twin changed"
assert [below[name, kind] for name in Robots.possible_agents for kind in kinds] == [3, 0, 0, 3], "the way round fails"
PY
