#!/usr/bin/env bash
# Minari lists no dataset at all once one folder has a name that is no id, such as a copy made as a backup.
#
# Versions: minari 0.5.4, gymnasium 1.4.0, numpy 2.4.6.
# One would guess: a folder that is no dataset is passed over, or named.
# What happens: every folder with a `data/metadata.json` is taken for a dataset, and its name is parsed when the ids are
#   sorted. A name without a version ends in a TypeError that names no folder, any other in a ValueError.
# Seen: two datasets are listed. `cp -r walk-v0 walk-backup` beside them: "int() argument must be ... not 'NoneType'".
#   With `walk-v0.bak` instead: "Malformed dataset ID: robot/walk-v0.bak". Both datasets can still be loaded by their ids.
# Why it matters: `minari list local` and tools that show what is there fail for all datasets of a shared folder, and
#   nobody sees which copy is to blame.
# Way round: keep copies outside the root. Loading by id is not affected.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq "minari[hdf5]==0.5.4" pillow==11.3.0 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import os
import shutil
from pathlib import Path

root = Path.cwd() / "datasets"
root.mkdir()
os.environ["MINARI_DATASETS_PATH"] = str(root)
import minari
import numpy as np
from gymnasium.spaces import Box
from minari.data_collector import EpisodeBuffer

print({name: version(name) for name in ("minari", "gymnasium", "numpy")})
space = Box(-1, 1, (2,), np.float32)
for name in ("robot/walk-v0", "robot/run-v0"):
    steps = np.zeros((4, 2), np.float32)
    ends = np.array([False, False, False, True])
    episode = EpisodeBuffer(
        observations=np.zeros((5, 2), np.float32), actions=steps, rewards=np.ones(4),
        terminations=np.zeros(4, bool), truncations=ends,
    )
    minari.create_dataset_from_buffers(
        name, [episode], observation_space=space, action_space=space,
        algorithm_name="nobody", author="nobody", author_email="nobody@example.com",
        code_permalink="https://example.com",
    )
assert sorted(minari.list_local_datasets()) == ["robot/run-v0", "robot/walk-v0"]


def listed_beside(copy):
    """What listing says while a copy lies beside the datasets."""
    shutil.copytree(root / "robot" / "walk-v0", root / "robot" / copy)
    try:
        return sorted(minari.list_local_datasets())
    except (TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        assert len(minari.load_dataset("robot/run-v0")) == 1, "loading by id has changed"
        shutil.rmtree(root / "robot" / copy)


for copy in ("walk-backup", "walk-v0.bak"):
    print(copy, "->", listed_beside(copy))
assert listed_beside("walk-backup").startswith("TypeError: int() argument"), "names without a version"
assert listed_beside("walk-v0.bak").startswith("ValueError: Malformed dataset ID"), "other names"
shutil.copytree(root / "robot" / "walk-v0", root.parent / "backups" / "walk-backup")
assert len(minari.list_local_datasets()) == 2, "the way round fails"
PY
