#!/usr/bin/env bash
# skrl's memory is as empty after `load` as it was before.
#
# Versions: skrl 2.1.1, torch 2.13.0, gymnasium 1.4.0, numpy 2.4.6.
# One would guess: `memory.load(path)` brings back what `memory.save` wrote, ready to be sampled.
# What happens: the file is read into attributes that nothing reads. The tables that samples come from, and the
#   number of filled rows, stay as they are. No error, for .pt and .npz alike.
# Seen: 4 rewards saved. After `load` into a fresh memory `len` is 0, `sample` returns a batch of none, and
#   `sample_all` NaN. In a memory that holds -1, the rewards are still -1.
# Why it matters: the logged data of another run are loaded to go on from them, or to compare with. What is
#   used are the old ones, or none.
# Way round: `torch.load` the file and `add_samples` row by row.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq skrl==2.1.1 torch==2.13.0 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version
from pathlib import Path

import torch
from skrl.memories.torch import RandomMemory

print({name: version(name) for name in ("skrl", "torch", "gymnasium", "numpy")})


def memory(rewards=()):
    new = RandomMemory(memory_size=4, num_envs=1, device="cpu")
    new.create_tensor("rewards", size=1, dtype=torch.float32)
    for reward in rewards:
        new.add_samples(rewards=torch.tensor([[reward]]))
    return new


for kind in ("pt", "npz"):
    saved = memory([1.0, 2.0, 3.0, 4.0])
    saved.save("run", format=kind)
    (path,) = Path("run", "memories").glob(f"*.{kind}")
    fresh, used = memory(), memory([-1.0] * 4)
    for target in (fresh, used):
        target.load(str(path))
    (sample,) = fresh.sample(["rewards"], batch_size=2)[0]
    (everything,), (old,) = fresh.sample_all(["rewards"])[0], used.sample_all(["rewards"])[0]
    print(kind, "rows", len(fresh), "sample", sample.tolist(), "all", everything.tolist(), "used", old.tolist())
    assert len(fresh) == 0 and sample.shape == (0, 1), "the loaded rows can be sampled now"
    assert everything.isnan().all() and (old == -1).all(), "the loaded values are used now"
(name,) = torch.load(next(Path("run", "memories").glob("*.pt")))
restored = memory(torch.load(next(Path("run", "memories").glob("*.pt")))[name].flatten().tolist())
assert restored.sample_all(["rewards"])[0][0].flatten().tolist() == [1, 2, 3, 4], "the way round fails"
PY
