#!/usr/bin/env bash
# TorchRL's reward-to-go of the whole numbers 1, 1, 1, -10 with gamma = 0.99 is 1, 1, 1, -10: nothing is summed.
#
# Versions: torchrl 0.14.1, tensordict 0.14.3, torch 2.13.0, numpy 2.4.6.
# One would guess: the discounted sums as floats, as the value estimators of the same package give them, or an error.
# What happens: the powers of gamma get the type of the rewards, so 0.99 becomes 0, and all but the reward itself is
#   lost. `reward2go` and `Reward2GoTransform` do it for int64, without a word, and refuse int32.
# Seen: int64 rewards 1, 1, 1, -10 have 1, 1, 1, -10 to go, and as float32 -6.7329, -7.811, -8.9, -10. In a replay
#   buffer all is the same. `GAE` gives the same advantages for both types.
# Why it matters: costs of 0 or 1 a step and rewards of -1 a step are whole numbers, and `torch.tensor([1, 1, 1, -10])`
#   is int64. A critic of costs learns that a step is safe until the very crash, and a decision transformer learns no
#   return but the reward of the step.
# Way round: `reward.float()` before the rewards are stored or summed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torchrl==0.14.1 tensordict==0.14.3 torch==2.13.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import torch
from tensordict import TensorDict
from torchrl.data import LazyTensorStorage, ReplayBuffer
from torchrl.envs.transforms import Reward2GoTransform
from torchrl.objectives.value.functional import generalized_advantage_estimate, reward2go

print({name: version(name) for name in ("torchrl", "tensordict", "torch", "numpy")})
reward = torch.tensor([1, 1, 1, -10]).view(1, 4, 1)
done = torch.tensor([False, False, False, True]).view(1, 4, 1)


def short(tensor):
    return [round(float(x), 4) for x in tensor.flatten()]


def in_a_buffer(reward):
    buffer = ReplayBuffer(storage=LazyTensorStorage(4))
    buffer.append_transform(Reward2GoTransform(gamma=0.99, out_keys=["reward_to_go"]))
    ends = {"done": done, "terminated": done, "truncated": torch.zeros_like(done)}
    buffer.extend(TensorDict({"next": {"reward": reward, **ends}}, [1, 4]))
    return buffer[:]["reward_to_go"]


def advantage(reward):
    value = torch.zeros(1, 4, 1)
    return generalized_advantage_estimate(0.99, 0.95, value, value, reward, done=done, terminated=done)[0]


by_hand, future = [], 0.0
for r in reversed(reward.flatten().tolist()):
    future = r + 0.99 * future
    by_hand.insert(0, round(future, 4))
seen = {str(r.dtype): (short(reward2go(r, done, 0.99)), short(in_a_buffer(r))) for r in (reward, reward.float())}
for name, (function, buffer) in seen.items():
    print(name, "reward2go", function, "in a replay buffer", buffer)
print("by hand", by_hand, "advantages", short(advantage(reward)), short(advantage(reward.float())))
assert reward.dtype == torch.int64
assert seen["torch.int64"] == (short(reward), short(reward)), "whole rewards have a future now"
assert seen["torch.float32"] == (by_hand, by_hand), "float rewards are wrong"
assert short(advantage(reward)) == short(advantage(reward.float())), "GAE depends on the type"
PY
