#!/usr/bin/env bash
# skrl's memory stores the rewards of a batch in other rows than its observations.
#
# Versions: skrl 2.1.1, torch 2.13.0, gymnasium 1.4.0, numpy 2.4.6.
# One would guess: `add_samples(observations=..., rewards=...)` with 4 transitions fills 4 rows.
# What happens: with one environment and several samples in a call, the place to write moves on after every
#   *column*. Observations go to rows 0 to 3, rewards to rows 4 to 7. No error, and no warning.
# Seen: reward = observation, 16 transitions in batches of 4, a memory of 10 rows. All rows are filled, and in
#   none of them is the reward that of the observation. One transition a call: right in all.
# Why it matters: this is the call that puts a logged data set into a memory. Where rows remain empty they are
#   NaN, which one sees. In a full ring everything looks right, and what is learnt is noise.
# Way round: one transition a call, or a memory with exactly as many rows as the data.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq skrl==2.1.1 torch==2.13.0 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import torch
from skrl.memories.torch import RandomMemory

print({name: version(name) for name in ("skrl", "torch", "gymnasium", "numpy")})


def stored(batch_size, rows):
    memory = RandomMemory(memory_size=rows, num_envs=1, device="cpu")
    for column in ("observations", "rewards"):
        memory.create_tensor(column, size=1, dtype=torch.float32)
    for batch in torch.arange(16.0)[:, None].split(batch_size):
        memory.add_samples(observations=batch, rewards=batch)
    columns = memory.sample_all(["observations", "rewards"])[0]
    return [column.squeeze(1) for column in columns]


seen, rewards = stored(4, 10)
print("four a call:", seen.tolist(), rewards.tolist(), sep="\n")
one_by_one, exact = stored(1, 10), stored(16, 16)
print("one a call:", *(column.tolist() for column in one_by_one), sep="\n")
assert not (seen.isnan() | rewards.isnan()).any(), "rows stay empty now"
assert (seen != rewards).all(), "rewards are stored beside their observations now"
assert all((observation == reward).all() for observation, reward in (one_by_one, exact)), "the way round fails"
PY
