#!/usr/bin/env bash
# imitation's loss for a comparison has a gradient of 1, of 15,000 or of 0, by which clip is named first.
#
# Versions: imitation 1.0.1, torch 2.13.0, gymnasium 0.29.1, numpy 2.4.6.
# One would guess: the logistic loss of a model that is wrong by 18 pulls with a force of 1, and naming the two
#   clips the other way round, with the answer turned, changes nothing.
# What happens: the probability is computed first. Near 1 float32 rounds it to exactly 1, and PyTorch's loss then
#   divides by 1e-12. Near 0 it is exact. Beyond a difference of 50 the returns are clipped: no gradient at all.
# Seen: predicted returns 18 and 0, and the person preferred the second clip: gradient 15,230. The same clips and
#   the same answer, turned round: 1.0. At 51 and 0: 0 both ways, where the answer is the most surprising.
# Why it matters: 18 is a return of 0.18 a step over 100 steps. A wrong label of a confident model makes one step
#   15,000 times too long, or teaches nothing.
# Way round: `logsigmoid` of the difference of returns, or the reward's scale kept small.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq imitation==1.0.1 torch==2.13.0 gymnasium==0.29.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import gymnasium
import numpy as np
import torch
from imitation.algorithms.preference_comparisons import CrossEntropyRewardLoss, PreferenceModel
from imitation.data.types import TrajectoryWithRew
from imitation.rewards.reward_nets import RewardNet

print({name: version(name) for name in ("imitation", "torch", "gymnasium", "numpy")})


class Scale(RewardNet):
    """The reward of a step is the observation times a factor, which is learnt."""

    def __init__(self):
        super().__init__(gymnasium.spaces.Box(-99, 99, (1,)), gymnasium.spaces.Discrete(2), normalize_images=False)
        self.factor = torch.nn.Parameter(torch.ones(()))

    def forward(self, state, action, next_state, done):
        return self.factor * state[:, 0]


def clip(value, steps=10):
    observations = np.full((steps + 1, 1), value / steps, np.float32)
    return TrajectoryWithRew(observations, np.zeros(steps, int), None, False, np.zeros(steps, np.float32))


def pull(difference, first_is_better):
    """Gradient in the difference of the returns, with the second clip preferred when the first is said better."""
    model = Scale()
    better, worse = clip(difference), clip(0.0)
    pair, answer = ((better, worse), 0.0) if first_is_better else ((worse, better), 1.0)
    loss = CrossEntropyRewardLoss()([pair], np.array([answer], np.float32), PreferenceModel(model)).loss
    loss.backward()
    return float(model.factor.grad) / difference


pulls = {difference: (pull(difference, True), pull(difference, False)) for difference in (5.0, 18.0, 51.0)}
for difference, values in pulls.items():
    print("difference", difference, "gradient, better clip first", values[0], "better clip second", values[1])
assert np.allclose(pulls[5.0], 0.9933, atol=1e-3), "the gradient of a small difference is another"
assert 1e4 < pulls[18.0][0] < 2e4 and abs(pulls[18.0][1] - 1) < 1e-3, "both orders give the same gradient now"
assert pulls[51.0] == (0, 0), "a large difference has a gradient now"
PY
