#!/usr/bin/env bash
# Minari cannot create a dataset below a relative MINARI_DATASETS_PATH, and leaves a folder that blocks its id.
#
# Versions: minari 0.5.4, h5py 3.16.0, pillow 11.3.0, gymnasium 1.4.0, numpy 2.4.6.
# One would guess: MINARI_DATASETS_PATH=datasets means ./datasets for writing as it does for reading.
# What happens: when sizes are added up after writing, each file's path is joined to the folder that it already
#   begins with. The folder of the dataset stays behind.
# Seen: FileNotFoundError for datasets/me/toy-v0/data/datasets/me/toy-v0/data/main_data.hdf5. The second try
#   fails with "already exists". With the absolute path of the same folder all works, and reading by the
#   relative one does, too.
# Why it matters: the path is set relatively in Makefiles and CI. Hours of collecting end in an error after the
#   last step, and the id is taken.
# Way round: export MINARI_DATASETS_PATH="$PWD/datasets".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq minari==0.5.4 h5py==3.16.0 pillow==11.3.0 gymnasium==1.4.0 numpy==2.4.6
cat > write.py <<'PY'
import sys
import warnings

import gymnasium as gym
import minari
import numpy as np
from minari.data_collector import EpisodeBuffer

warnings.simplefilter("ignore")
box = gym.spaces.Box(-1, 1, (1,), np.float32)
episode = EpisodeBuffer(
    observations=np.zeros((3, 1), np.float32),
    actions=np.zeros((2, 1), np.float32),
    rewards=np.zeros(2),
    terminations=np.zeros(2, bool),
    truncations=np.array([False, True]),
)
made = minari.create_dataset_from_buffers(sys.argv[1], [episode], observation_space=box, action_space=box)
print("made", made.id)
PY
venv/bin/python -I -c 'from importlib.metadata import version
print({name: version(name) for name in ("minari", "h5py", "pillow", "gymnasium", "numpy")})'
export MINARI_DATASETS_PATH=datasets
if venv/bin/python -I write.py me/toy-v0 2>first; then echo "a relative root now works"; exit 1; fi
tail -n 1 first
grep -q "datasets/me/toy-v0/data/datasets/me/toy-v0/data" first
if venv/bin/python -I write.py me/toy-v0 2>second; then echo "the second try now works"; exit 1; fi
tail -n 1 second
grep -qi "already" second
MINARI_DATASETS_PATH="$PWD/datasets" venv/bin/python -I write.py me/other-v0
venv/bin/python -I -c 'import minari
assert len(minari.load_dataset("me/other-v0")) == 1'
