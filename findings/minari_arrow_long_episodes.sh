#!/usr/bin/env bash
# Minari's Arrow datasets cut episodes of more than 32,767 steps, and pieces stand in for other episodes.
#
# Versions: minari 0.5.4, pyarrow 26.0.1, gymnasium 1.4.0, numpy 2.4.6.
# One would guess: an episode read back has the steps that were written, in "arrow" as in "hdf5".
# What happens: the reader yields one episode a record batch, and a batch of a file holds at most 32,768
#   rows. Iteration zips the pieces with the ids: later pieces take the ids of the next episodes.
# Seen: three episodes of 40,000 steps. `dataset[i]` has 32,767 steps each. Iterating gives lengths 32,767,
#   7,232 and 32,767 under ids 0, 1 and 2; "episode 1" is the end of episode 0.
# Why it matters: a driver's log at 50 Hz reaches this length in eleven minutes. Labels that name an
#   episode and a step then belong to another one's data. `total_steps` still says 120,000.
# Way round: `data_format="hdf5"`, or episodes of fewer steps.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq "minari[arrow,hdf5]==0.5.4" pyarrow==26.0.1 pillow==11.3.0 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import os
import warnings

os.environ["MINARI_DATASETS_PATH"] = os.getcwd()
import minari
import numpy as np
from gymnasium.spaces import Box
from minari.data_collector import EpisodeBuffer

print({name: version(name) for name in ("minari", "pyarrow", "pillow", "gymnasium", "numpy")})
warnings.simplefilter("ignore")  # about authors and permalinks that are not given
STEPS, space = 40_000, Box(-np.inf, np.inf, (1,), np.float64)


def create(form):
    episodes = [
        EpisodeBuffer(
            id=index,
            observations=index * 1e6 + np.arange(STEPS + 1.0)[:, None],
            actions=np.zeros((STEPS, 1)),
            rewards=np.zeros(STEPS),
            terminations=np.zeros(STEPS, bool),
            truncations=np.arange(STEPS) == STEPS - 1,
        )
        for index in range(3)
    ]
    return minari.create_dataset_from_buffers(
        f"long/{form}-v0", buffer=episodes, observation_space=space, action_space=space, data_format=form
    )


arrow = create("arrow")
seen = [(int(episode.id), len(episode), float(episode.observations[0, 0])) for episode in arrow]
print("total steps", arrow.total_steps, "(id, steps, first observation):", seen)
assert arrow.total_steps == 3 * STEPS
assert [len(arrow[index]) for index in range(3)] == [32_767] * 3, "single episodes are no longer cut"
assert seen == [(0, 32_767, 0.0), (1, 7_232, 32_768.0), (2, 32_767, 1e6)], "iteration is no longer in pieces"

whole = [(int(episode.id), len(episode)) for episode in create("hdf5")]
assert whole == [(0, STEPS), (1, STEPS), (2, STEPS)], "the way round fails"
PY
