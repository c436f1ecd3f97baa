#!/usr/bin/env bash
# XuanCe's prioritised memory gives a crash that is drawn ten times as often a weight of 10, where it should be 0.1.
#
# Versions: xuance 1.4.4, torch 2.13.0, gymnasium 1.2.3, numpy 1.26.4.
# One would guess: weights undo what the priorities do. What is drawn often weighs less, and `beta` says how much less.
# What happens: the power -beta is taken of the size of the memory, not of the probability times that size. It cancels
#   out, so `beta` has no effect, and a weight is the probability over the smallest one. The docstring does not say
#   so. The learner of the package does not read the weights.
# Seen: 64 steps, one of them a crash with ten times the priority of the others (alpha 1). Its weight is 10 for a
#   beta of 0.01, 0.4 and 1. It should be 0.98, 0.40 and 0.1, with 1 for the others.
# Why it matters: whoever multiplies a loss with these weights counts the crash a hundred times too much at a beta of 1.
#   The larger its error, the larger the weight of that error.
# Way round: `(weights / weights.min()) ** -beta`, which is 1 for the rarest, and then divided by the largest.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 gymnasium==1.2.3 numpy==1.26.4 scipy==1.15.3 pyyaml==6.0.3 tqdm==4.67.1
venv/bin/pip install -qq --no-deps xuance==1.4.4 # its videos and loggers are not needed here
venv/bin/python -I -W ignore - 2>log <<'PY'
from importlib.metadata import version

import numpy as np
from gymnasium.spaces import Box, Discrete
from xuance.common import PerOffPolicyBuffer

print({name: version(name) for name in ("xuance", "torch", "gymnasium", "numpy")})
size, crash = 64, 5
memory = PerOffPolicyBuffer(Box(-1, 1, (1,)), Discrete(2), None, 1, size, size, alpha=1.0)
for step in range(size):
    memory.store(np.array([[step]]), np.array([0]), np.array([0.0]), np.array([step == crash]), np.array([[step + 1]]))
priorities = np.where(np.arange(size) == crash, 10.0, 1.0)
memory.update_priorities(np.arange(size)[None], priorities)
chance = priorities / priorities.sum()

drawn = np.concatenate([memory.sample(0.4)["step_choices"][0] for _ in range(200)])
share = (drawn == crash).mean()
print("the crash is drawn", round(share / chance[0], 2), "times as often as another step")
assert abs(share - chance[crash]) < 0.02, "priorities no longer say how often"
for beta in (0.01, 0.4, 1.0):
    sample = memory.sample(beta)
    steps, weights = sample["step_choices"][0], sample["weights"][0]
    right = (chance[steps] * size) ** -beta
    right /= right.max()
    mended = (weights / weights.min()) ** -beta
    mended /= mended.max()
    of_crash = steps == crash
    print(f"beta {beta}: weight of the crash {weights[of_crash][0]:.2f}, should be {right[of_crash][0]:.2f}")
    assert np.allclose(weights[of_crash], 10) and np.allclose(weights[~of_crash], 1), "the weights have changed"
    assert np.allclose(mended, right) and right[of_crash][0] < 1, "the way round fails"
PY
