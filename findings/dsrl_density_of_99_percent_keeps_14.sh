#!/usr/bin/env bash
# DSRL keeps 14% of the episodes for a `density` of 0.99, the same ones as for 0.01, and not the best.
#
# Versions: dsrl 0.1.0, gymnasium 1.4.0, matplotlib 3.11.2, numpy 2.4.6.
# One would guess: `density=0.99` thins the data to 99%.
# What happens: the number is only compared with 1. Below 1 the episodes are sorted into 10 x 50 cells by cost and
#   return, five at most are kept of a cell, and none of a cell that has one or two.
# Seen: 200 episodes with random costs and returns: 200 for a density of 1.0; the same 28 for .99, .5 and .01. The
#   episode with the highest return is gone: it is alone in its cell.
# Why it matters: a curve "score over density" is flat, and the first point stands for a data set of a seventh whose
#   rare episodes, the best and the most dangerous, are missing.
# Way round: draw episodes with NumPy; or `density=0.99, min_npb=0, max_npb=n`, where n is the number to keep a cell.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq gymnasium==1.4.0 matplotlib==3.11.2 numpy==2.4.6 h5py==3.16.0 tqdm==4.70.1
venv/bin/pip install -qq --no-deps dsrl==0.1.0 # its simulators are not needed here
export MPLBACKEND=Agg DSRL_DATASET_DIR="$work/data" DSRL_SUPPRESS_IMPORT_ERROR=1
venv/bin/python -W ignore - 2>log <<'PY'
import random
from importlib.metadata import version

import numpy as np
from dsrl.offline_env import OfflineEnv

print({name: version(name) for name in ("dsrl", "gymnasium", "matplotlib", "numpy")})
generator = np.random.default_rng(0)
costs, returns = generator.integers(0, 40, 200), generator.normal(100, 30, 200)
env = OfflineEnv(max_episode_reward=200, min_episode_reward=0, max_episode_cost=40, min_episode_cost=0)


def kept(density, **cells):
    random.seed(0)
    rows = np.repeat(np.arange(200), 10)
    log = {
        "observations": rows[:, None].astype(np.float32),
        "next_observations": np.zeros((2000, 1), np.float32),
        "actions": np.zeros((2000, 1), np.float32),
        "rewards": returns[rows] / 10,
        "costs": costs[rows] / 10,
        "terminals": np.zeros(2000, bool),
        "timeouts": np.arange(2000) % 10 == 9,
    }
    return set(env.pre_process_data(log, density=density, **cells)["observations"][:, 0].astype(int).tolist())


seen = {density: kept(density) for density in (1.0, 0.99, 0.5, 0.01)}
print("episodes kept", {density: len(episodes) for density, episodes in seen.items()})
print("the best is among them", {density: int(returns.argmax()) in episodes for density, episodes in seen.items()})
assert len(seen[1.0]) == 200 and len(seen[0.99]) < 60, "the density is kept"
assert seen[0.99] == seen[0.5] == seen[0.01], "the density is kept"
assert int(returns.argmax()) not in seen[0.99], "the best episode is kept"
assert len(kept(0.99, min_npb=0, max_npb=200)) == 200, "the way round fails"
PY
