#!/usr/bin/env bash
# OSRL counts 30 collisions of an episode as one when the column of costs is boolean, and keeps it as safe.
#
# Versions: osrl-lib 0.1.0, torch 2.13.0, scipy 1.17.1, numpy 2.4.6.
# One would guess: a cost of True is a cost of 1, and 30 of them are 30.
# What happens: sums are stored in an array of the costs' own type. A sum of booleans is True again. With
#   integers and a discount every partial sum is cut: 1 + .99 is 1, and so on to the start of the episode.
# Seen: 30 steps with a cost each, `bc_mode="safe"`, limit 5. Booleans: the episode is kept, its cost is True.
#   Integers: dropped for gamma 1, kept for gamma .99 with a cost of 1. Floats: dropped for both.
# Why it matters: a collision flag or a label of a human is a boolean. "Safe" cloning then learns from the most
#   unsafe episodes, and prints that all of them passed.
# Way round: `dataset["costs"].astype("float32")` before.
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


def kept(dtype, gamma):
    costs = np.repeat([0, 1, 0], 30).astype(dtype)  # the second of three episodes collides at every step
    ends = np.arange(90) % 30 == 29
    dataset = {
        "observations": np.arange(90.0)[:, None],
        "actions": np.zeros((90, 1)),
        "rewards": np.ones(90),
        "costs": costs,
        "terminals": ends,
        "timeouts": np.zeros(90, bool),
    }
    process_bc_dataset(dataset, cost_limit=5, gamma=gamma, bc_mode="safe")
    return len(dataset["costs"]) // 30, dataset["cost_returns"].max().item()


seen = {(dtype.__name__, gamma): kept(dtype, gamma) for dtype in (bool, int, np.float32) for gamma in (1.0, 0.99)}
for (dtype, gamma), (episodes, largest) in seen.items():
    print("costs", dtype, "gamma", gamma, "episodes kept as safe", episodes, "largest cost of an episode", largest)
assert seen["bool", 1.0] == seen["bool", 0.99] == (3, True), "boolean costs are summed"
assert seen["int", 1.0] == (2, 0) and seen["int", 0.99] == (3, 1), "discounted integer costs are summed"
assert seen["float32", 1.0] == seen["float32", 0.99] == (2, 0), "the way round fails"
PY
