#!/usr/bin/env bash
# d3rlpy's value of the initial states counts every 1,024th step of an episode as an initial state.
#
# Versions: d3rlpy 2.8.1, torch 2.13.0, numpy 2.4.6.
# One would guess: the mean of Q(s_0, policy(s_0)) over episodes, as the documentation's formula says.
# What happens: an episode is evaluated in windows of 1,024 steps, and the first state of each window is
#   counted. DiscountedSumOfAdvantageEvaluator restarts its sum at each window as well. The size is fixed.
# Seen: one episode of 3,000 steps that pay 1 each, and the exact values (steps that are left). The value of
#   the start is 3,000; the evaluator says 1,976, the mean of 3,000, 1,976 and 952.
# Why it matters: with FQE this number stands for the return that an agent will earn. Long episodes (a minute at
#   20 Hz) are too low or too high by any amount, and runs with longer episodes are compared with shorter ones.
# Way round: `algo.predict_value` on `episode.observations[:1]` of each episode.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq d3rlpy==2.8.1 torch==2.13.0 numpy==2.4.6
venv/bin/python -I -W ignore - 2>log <<'PY'
from importlib.metadata import version

import d3rlpy
import numpy as np
from d3rlpy.metrics import InitialStateValueEstimationEvaluator

print({name: version(name) for name in ("d3rlpy", "torch", "numpy")})


class Exact:
    """The true values where every step pays 1 and the observation is the number of steps that are left."""

    gamma, reward_scaler = 1.0, None

    def predict(self, observations):
        return np.zeros((len(observations), 1), np.float32)

    def predict_value(self, observations, actions):
        return observations[:, 0]


def value(length):
    left = np.arange(length, 0, -1, dtype=np.float32)[:, None]
    actions = np.full((length, 1), 0.5, np.float32)
    data = d3rlpy.dataset.MDPDataset(left, actions, np.ones((length, 1), np.float32), (left == 1).astype(np.float32))
    assert len(data.episodes) == 1 and data.episodes[0].compute_return() == length
    return InitialStateValueEstimationEvaluator()(Exact(), data)


found = {length: value(length) for length in (1000, 3000)}
print("value of the start by length", found)
assert found[1000] == 1000, "short episodes have changed"
assert found[3000] == (3000 + 1976 + 952) / 3, "only the first state is counted now"
PY
