#!/usr/bin/env bash
# TorchRL's replay buffer gives a step without a cost the cost of the step that it overwrites.
#
# Versions: torchrl 0.14.1, tensordict 0.14.3, torch 2.13.0, numpy 2.4.6.
# One would guess: an error, since rows of one buffer have the same entries; or zeros or NaN for what is missing.
#   `torch.stack` and `torch.cat` refuse tensordicts with different entries.
# What happens: the entries that the new rows have are written, and the others stay as they are. In a full buffer
#   these belong to the steps that were there before. In one not yet full they are whatever the memory holds.
#   `LazyMemmapStorage` does the same. Plain assignment of a tensordict does it too.
# Seen: a buffer for 4 steps, full, with costs 10 to 13. Steps 4 and 5 come without a cost: they have 10 and 11.
# Why it matters: `info["cost"]` is absent at some steps, or one robot does not report it. The safety critic learns
#   costs of other states, and no count of missing values shows it.
# Way round: check `set(batch.keys(True, True))` before `extend`, or use `ListStorage`, whose rows stand alone.
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
from torchrl.data import LazyMemmapStorage, LazyTensorStorage, ReplayBuffer

print({name: version(name) for name in ("torchrl", "tensordict", "torch", "numpy")})
full = TensorDict({"observation": torch.arange(4.0), "cost": torch.tensor([10.0, 11.0, 12.0, 13.0])}, [4])
bare = TensorDict({"observation": torch.tensor([4.0, 5.0])}, [2])
for storage in (LazyTensorStorage(4), LazyMemmapStorage(4)):
    buffer = ReplayBuffer(storage=storage)
    buffer.extend(full)
    buffer.extend(bare)
    stored = buffer[:]
    print(type(storage).__name__, stored["observation"].tolist(), "costs", stored["cost"].tolist())
    assert stored["observation"].tolist() == [4, 5, 2, 3], "the buffer is filled otherwise"
    assert stored["cost"].tolist() == [10, 11, 12, 13], "old costs are no longer kept for new steps"
for join in (torch.stack, torch.cat):
    try:
        join([full[:2], bare])
    except (RuntimeError, KeyError) as error:
        print(join.__name__, "refuses:", str(error)[:50])
    else:
        raise AssertionError("tensordicts with different entries are joined now")
PY
