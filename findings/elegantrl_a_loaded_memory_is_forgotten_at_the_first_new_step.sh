#!/usr/bin/env bash
# ElegantRL's replay memory loads 50 steps from a file, and has forgotten all of them after the next 5 steps.
#
# Versions: elegantrl 0.3.6, torch 2.13.0, numpy 2.4.6.
# One would guess: loaded steps stay until the memory is full, and new ones come behind them.
# What happens: `save_or_load_history` sets the size and not the place of the next step, which stays 0. The first
#   `update` writes over the start, and sets the size to that place. Not documented; `save_or_load_history` has no
#   docstring.
# Seen: room for 100 steps. After loading, 50 steps. After 5 new ones the size is 5, and samples hold the new ones
#   only. With the place set by hand the size is 55, and samples hold old and new ones.
# Why it matters: a run that goes on after a break, or starts from the log of people, learns from a few steps of its
#   own. No message says that the log is gone, and the line "Load" in the output says that it is there.
# Way round: `memory.p = memory.cur_size` after loading, while the memory is not full.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 numpy==2.4.6
venv/bin/pip install -qq --no-deps elegantrl==0.3.6 # its gym and plots are not needed here
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import torch
from elegantrl.train.replay_buffer import ReplayBuffer

print({name: version(name) for name in ("elegantrl", "torch", "numpy")})
torch.manual_seed(0)


def steps(first, number):
    numbers = torch.arange(first, first + number, dtype=torch.float32)
    return numbers.reshape(-1, 1, 1), torch.zeros(number, 1, 1), numbers[:, None], torch.ones(number, 1)


def memory():
    return ReplayBuffer(max_size=100, state_dim=1, action_dim=1, gpu_id=-1)


log = memory()
log.update(steps(0, 50))
log.save_or_load_history(".", if_save=True)
seen = {}
for by_hand in (False, True):
    loaded = memory()
    loaded.save_or_load_history(".", if_save=False)
    before = loaded.cur_size, loaded.sample(1000)[2].max().item()
    if by_hand:
        loaded.p = loaded.cur_size
    loaded.update(steps(1000, 5))
    rewards = loaded.sample(1000)[2]
    seen[by_hand] = loaded.cur_size, (rewards < 1000).float().mean().item()
    print("by hand" if by_hand else "as it is", "loaded", before, "size, share of old steps", seen[by_hand])
    assert before == (50, 48), "nothing was loaded"
assert seen[False] == (5, 0), "the loaded steps are kept now"
assert seen[True][0] == 55 and seen[True][1] > 0.85, "the way round fails"
PY
