#!/usr/bin/env bash
# MaskablePPO acts at random among forbidden actions when the mask allows none of them.
#
# Versions: torch 2.13.0, sb3_contrib 2.9.2, stable_baselines3 2.9.2, gymnasium 1.4.0, numpy 2.4.6.
# One would guess: an error for a mask without a True; or else the distribution that there is without a mask.
# What happens: all logits become -1e8, so every action has the same probability. What was learnt is lost. The
#   log-probability of every action is 0, that of a certain one, as -1e8 + log(3) is -1e8 in float32.
# Seen: a policy with the probabilities .98, .02 and .0001 has 1/3 each, `predict` returns all three actions, and with
#   `deterministic=True` always action 0. Their log-probabilities are 0, the entropy as well. `learn` runs with such
#   masks to its end. No warning.
# Why it matters: a shield of safe RL forbids what is dangerous. Where it forbids everything the danger is largest, and
#   the agent drives on at random: its best action is not more probable than the worst.
# Way round: an emergency action that is never masked, or `assert masks.any(-1).all()` in the environment.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 sb3_contrib==2.9.2 stable_baselines3==2.9.2 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import gymnasium
import numpy as np
import torch
from sb3_contrib import MaskablePPO

print({name: version(name) for name in ("torch", "sb3_contrib", "stable_baselines3", "gymnasium", "numpy")})
LOGITS = torch.tensor([9.0, 5.0, 0.0])


class Road(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-1, 1, (2,))
    action_space = gymnasium.spaces.Discrete(3)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self.steps += 1
        return np.zeros(2, np.float32), 1.0, self.steps == 5, False, {}

    def action_masks(self):
        return np.zeros(3, bool)


model = MaskablePPO("MlpPolicy", Road(), n_steps=16, batch_size=16, seed=0, device="cpu")
model.learn(32)
with torch.no_grad():
    model.policy.action_net.weight.zero_()
    model.policy.action_net.bias.copy_(LOGITS)
place = np.zeros(2, np.float32)
for masks in (np.ones(3, bool), np.array([False, True, True]), np.zeros(3, bool)):
    distribution = model.policy.get_distribution(torch.zeros(1, 2), masks)
    chances = distribution.distribution.probs.detach()[0]
    logs = distribution.distribution.logits.detach()[0]
    actions = {int(model.predict(place, action_masks=masks, deterministic=False)[0]) for _ in range(100)}
    surest = int(model.predict(place, action_masks=masks, deterministic=True)[0])
    print(masks, chances.numpy().round(4), "log", logs.numpy(), distribution.entropy().item(), actions, surest)
    if masks.all():
        assert surest == 0 and torch.allclose(chances, LOGITS.softmax(0))
    elif masks.any():
        assert surest == 1 and 0 not in actions
    else:
        assert torch.allclose(chances, torch.full((3,), 1 / 3)), "a mask without a True has another effect now"
        assert actions == {0, 1, 2} and surest == 0 and logs.abs().max() == 0 and abs(distribution.entropy()) < 1e-6
PY
