#!/usr/bin/env bash
# OSRL takes the rows after the last end of an episode for an episode without any cost, and learns from them.
#
# Versions: osrl-lib 0.1.0, torch 2.13.0, scipy 1.17.1, numpy 2.4.6.
# One would guess: an unfinished last episode counts by its cost so far, or is left out.
# What happens: sums are filled in from end to end. Rows after the last end keep the 0 that the array was made
#   with, both for cost and for reward. 0 is below every limit.
# Seen: two episodes of 30 steps, the second collides at every step and has no end. `bc_mode="safe"` with limit 5
#   keeps all 60 steps, "risky" none. With the end marked it keeps 30 and 30.
# Why it matters: a log that stops at a number of steps, at a crash or at an emergency stop ends so. Its last
#   episode is often the worst one.
# Way round: set `timeouts[-1] = True`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 scipy==1.17.1 numpy==2.4.6 tqdm==4.70.1 pyyaml==6.0.4
venv/bin/pip install -qq --no-deps osrl-lib==0.1.0 # its pins of torch 1.13 and scipy 1.10 are not needed here
venv/bin/python -I - 2>log <<'PY'
from importlib.metadata import version

import numpy as np
from osrl.common.dataset import process_bc_dataset

print({name: version(name) for name in ("osrl-lib", "torch", "scipy", "numpy")})


def collisions_kept(mode, last_end):
    dataset = {
        "observations": np.arange(60.0)[:, None],
        "actions": np.zeros((60, 1)),
        "rewards": np.ones(60),
        "costs": np.repeat([0.0, 1.0], 30),  # the second episode collides at every step
        "terminals": np.arange(60) == 29,
        "timeouts": (np.arange(60) == 59) & last_end,
    }
    process_bc_dataset(dataset, cost_limit=5, gamma=1.0, bc_mode=mode)
    return int(dataset["costs"].sum()), sorted(set(dataset["cost_returns"].tolist()))


seen = {(mode, end): collisions_kept(mode, end) for mode in ("safe", "risky") for end in (False, True)}
for (mode, end), (collisions, costs) in seen.items():
    print(mode, "last end marked", end, "collisions among the steps kept", collisions, "costs of their episodes", costs)
assert seen["safe", False] == (30, [0.0]), "the unfinished episode is no longer safe"
assert seen["risky", False] == (0, []), "the unfinished episode is no longer safe"
assert seen["safe", True] == (0, [0.0]) and seen["risky", True] == (30, [30.0]), "the way round fails"
PY
