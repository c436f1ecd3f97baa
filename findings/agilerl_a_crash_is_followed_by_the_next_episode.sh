#!/usr/bin/env bash
# AgileRL's n-step buffer goes on after a crash: it adds the rewards of the next episode, and says that nothing ended.
#
# Versions: agilerl 2.58.0, tensordict 0.13.0, torch 2.13.0, numpy 2.4.6. pip needs minutes for agilerl's packages.
# One would guess: a sum of n rewards stops at the end of an episode, and has `done` there.
# What happens: the sum looks for an end in the second and later steps of its window, not in the first. A window that
#   begins with the last step of an episode takes the next episode's rewards, `next_obs` and `done` = 0.
# Seen: episodes of four steps with the rewards 1, 1, 1 and -10 for a crash, n = 3, gamma = 1. From the first three
#   steps: 3, -8 and -9, as it should be. From the crash itself: -8 for -10, not done, and the state behind it is the
#   second one of the next episode.
# Why it matters: of each episode the very action that crashed is stored as one after which the drive went on, with the
#   rewards of a new start. Value functions learn that a crash is survivable.
# Way round: n = 1, or a buffer that is emptied at the end of each episode.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq agilerl==2.58.0 tensordict==0.13.0 torch==2.13.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import torch
from agilerl.components.replay_buffer import MultiStepReplayBuffer
from tensordict import TensorDict

print({name: version(name) for name in ("agilerl", "tensordict", "torch", "numpy")})
buffer = MultiStepReplayBuffer(100, n_step=3, gamma=1.0)
for step in range(12):
    crash = step % 4 == 3
    numbers = {"obs": step, "action": 0, "reward": -10 if crash else 1, "next_obs": step + 1, "done": crash}
    columns = {name: torch.tensor([[float(number)]]) for name, number in numbers.items()}
    buffer.add(TensorDict(columns, batch_size=[1]))
stored = buffer.storage[: len(buffer)]
columns = [stored[name].flatten().tolist() for name in ("reward", "next_obs", "done")]
rows = list(zip(*columns))
for step, row in enumerate(rows):
    print("step", step, "crash" if step % 4 == 3 else "", "reward, next, done", row)
assert rows[:3] == [(3, 3, 0), (-8, 4, 1), (-9, 4, 1)]
assert rows[3] == (-8, 6, 0) and rows[7] == (-8, 10, 0), "the sum stops at the crash now"
PY
