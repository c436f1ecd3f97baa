#!/usr/bin/env bash
# Minari's `combine_datasets` brings back the episodes that a split or a filter had left out.
#
# Versions: minari 0.5.4, gymnasium 1.4.0, numpy 2.4.6.
# One would guess: combining the training parts of two datasets gives the training episodes of both.
# What happens: a part made by `split_dataset` or `filter_episodes` shares the storage of the whole, with a
#   list of episodes in memory. Combining copies the storages, so every episode comes along.
# Seen: two datasets of four episodes, split 2 + 2. The two training parts have two episodes each; combined
#   they have eight, the four held-out ones among them.
# Why it matters: the held-out episodes are trained on, and a filter by cost ("safe episodes only") is
#   undone. The number of episodes is the only sign.
# Way round: write the parts out first (`create_dataset_from_buffers`), or combine, then split.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq "minari[hdf5]==0.5.4" pillow==11.3.0 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import os
import warnings

os.environ["MINARI_DATASETS_PATH"] = os.getcwd()
import minari
import numpy as np
from gymnasium.spaces import Box
from minari.data_collector import EpisodeBuffer

print({name: version(name) for name in ("minari", "pillow", "gymnasium", "numpy")})
warnings.simplefilter("ignore")  # about authors and permalinks that are not given
space = Box(-np.inf, np.inf, (1,), np.float64)


def create(name, first):
    episodes = [
        EpisodeBuffer(
            id=index,
            observations=np.full((4, 1), first + index, float),
            actions=np.zeros((3, 1)),
            rewards=np.zeros(3),
            terminations=np.array([False, False, False]),
            truncations=np.array([False, False, True]),
        )
        for index in range(4)
    ]
    return minari.create_dataset_from_buffers(
        f"split/{name}-v0", buffer=episodes, observation_space=space, action_space=space
    )


def contents(dataset):
    return {int(episode.observations[0, 0]) for episode in dataset}


parts = [minari.split_dataset(create(name, first), [2, 2], seed=0) for name, first in (("a1", 0), ("b1", 10))]
training = contents(parts[0][0]) | contents(parts[1][0])
held_out = contents(parts[0][1]) | contents(parts[1][1])
combined = minari.combine_datasets([parts[0][0], parts[1][0]], "split/combined-v0")
print("training", training, "held out", held_out, "combined", contents(combined))
assert len(training) == len(held_out) == 4 and not training & held_out
assert combined.total_episodes == 8, "the split is no longer forgotten"
assert contents(combined) == training | held_out
PY
