#!/usr/bin/env bash
# d3rlpy's off-policy evaluation judges another policy when the agent scales its actions or observations.
#
# Versions: d3rlpy 2.8.1, torch 2.13.0, numpy 2.4.6.
# One would guess: `FQE(algo=agent, config=FQEConfig())`, as the documentation writes it, evaluates the actions
#   that `agent.predict` returns.
# What happens: in the targets the bare network is asked, without the agent's scalers. It sees raw observations
#   and its action in [-1, 1] counts as an action in the units of the data. No warning.
# Seen: actions from 0 to 10, reward = action / 10 at the second of two steps. The agent acts with 8, so its value
#   is 0.8. FQE says 0.06: the value of the action 0.6, which is 8 scaled to [-1, 1].
# Why it matters: agents are chosen by this number without a simulator. A scaled agent is ranked by what it would
#   never do.
# Way round: give FQEConfig the very scalers of the agent (`agent.action_scaler`, `agent.observation_scaler`).
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
import torch
from d3rlpy.metrics import InitialStateValueEstimationEvaluator
from d3rlpy.models import VectorEncoderFactory
from d3rlpy.ope import FQE, FQEConfig
from d3rlpy.preprocessing import MinMaxActionScaler

print({name: version(name) for name in ("d3rlpy", "torch", "numpy")})
d3rlpy.seed(0)
torch.set_num_threads(1)
generator = np.random.default_rng(0)
observations = np.tile([[0.0], [1.0]], (500, 1)).astype(np.float32)
actions = (10 * np.sqrt(generator.random((1000, 1)))).astype(np.float32)  # 6.7 on average
rewards = observations * actions / 10
data = d3rlpy.dataset.MDPDataset(
    observations, actions, rewards, observations[:, 0], action_space=d3rlpy.ActionSpace.CONTINUOUS
)
network = {"encoder_factory": VectorEncoderFactory([32]), "batch_size": 64, "learning_rate": 1e-2}
quiet = {"logger_adapter": d3rlpy.logging.NoopAdapterFactory(), "show_progress": False, "n_steps_per_epoch": 400}
scaler = MinMaxActionScaler(minimum=[0.0], maximum=[10.0])
agent = d3rlpy.algos.BCConfig(action_scaler=scaler, **network).create()
agent.fit(data, n_steps=400, **quiet)
action = float(agent.predict(np.ones((1, 1), np.float32))[0, 0])
values = []
for config in (FQEConfig(gamma=1.0, **network), FQEConfig(gamma=1.0, action_scaler=agent.action_scaler, **network)):
    judge = FQE(algo=agent, config=config)
    judge.fit(data, n_steps=800, **quiet)
    values.append(InitialStateValueEstimationEvaluator()(judge, data))
print("action", action, "true value", action / 10, "FQE", values[0], "FQE with the agent's scaler", values[1])
assert abs(action - 6.7) < 1, "the agent acts otherwise"
assert abs(values[0] - (action / 5 - 1) / 10) < 0.1, "FQE no longer judges the scaled action"
assert abs(values[1] - action / 10) < 0.1, "the way round fails"
PY
