#!/usr/bin/env bash
# Gymnasium's frame skip sums the rewards of the skipped steps, and drops their costs.
#
# Versions: gymnasium 1.4.0, numpy 2.4.6.
# One would guess: one action of MaxAndSkipObservation(env, skip=4) has the reward and the cost of its four steps.
# What happens: rewards are summed, observations are combined, but `info` is that of the last step alone. A cost,
#   a crash or an event of the three steps before is gone. RecordEpisodeStatistics counts rewards only.
# Seen: 20 steps with reward 1 and cost 1 at every fourth step, from the second on: reward 20, cost 0 in place of
#   5. With the cost at the last of each four, 5.
# Why it matters: safe tasks give their cost in `info`. With frame skip a cost limit is kept on paper; up to three
#   costs of four are missing in the data and in the evaluation alike.
# Way round: sum `info["cost"]` in a wrapper *below*, and take differences above.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.wrappers import MaxAndSkipObservation

print({name: version(name) for name in ("gymnasium", "numpy")})


class Drive(gymnasium.Env):
    """Reward 1 in every step; cost 1 at one of every four steps."""

    observation_space = Box(0, 99, (1,), np.float32)
    action_space = Discrete(2)

    def __init__(self, costly):
        self.costly = costly

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.time += 1
        return np.full(1, self.time, np.float32), 1.0, False, False, {"cost": float(self.time % 4 == self.costly)}


class SumOfCosts(gymnasium.Wrapper):
    total = 0.0

    def step(self, action):
        *outcome, info = self.env.step(action)
        self.total += info["cost"]
        return *outcome, {**info, "total_cost": self.total}


def drive(env, actions):
    env.reset()
    steps = [env.step(0) for _ in range(actions)]
    return sum(step[1] for step in steps), sum(step[4]["cost"] for step in steps), steps[-1][4]


plain = drive(Drive(2), 20)[:2]
skipping = drive(MaxAndSkipObservation(Drive(2), skip=4), 5)[:2]
at_the_last = drive(MaxAndSkipObservation(Drive(0), skip=4), 5)[:2]
below = drive(MaxAndSkipObservation(SumOfCosts(Drive(2)), skip=4), 5)[2]
print("reward and cost: plain", plain, "skipping", skipping, "at the last step", at_the_last, "summed below", below)
assert plain == (20, 5) and skipping == (20, 0) and at_the_last == (20, 5), "the costs are summed now"
assert below["total_cost"] == 5, "the way round fails"
PY
