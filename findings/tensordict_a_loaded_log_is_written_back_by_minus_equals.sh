#!/usr/bin/env bash
# TensorDict changes the saved episodes on disk when a loaded one is normalised with `-=`.
#
# Versions: tensordict 0.15.3, torch 2.14.1, numpy 2.4.6.
# One would guess: `TensorDict.load` gives a copy, as `torch.load` and `numpy.load` do. What is done to it changes the
#   disk when it is saved.
# What happens: by default the tensors of the result are maps of the files, open for writing, and nothing is locked.
#   Every change in place goes to the disk: `-=`, `[...] = ...`, and methods with an underscore, also of a slice.
# Seen: costs 0, 1, 2, 3 are saved, loaded, and reduced by their mean with `-=`: the file holds -1.5 to 1.5. With
#   `log["cost"] = log["cost"] - mean` it keeps its values. Two runs of a script that scales costs by 1/2 scale by 1/4.
# Why it matters: a log of episodes is evidence, and a script that only reads it is run many times. Each run starts from
#   what the last one left, and checks of the first run no longer fit.
# Way round: `TensorDict.load(path, mode="r")`, whose changes stay in memory, or `.clone()`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq tensordict==0.15.3 torch==2.14.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import torch
from tensordict import TensorDict

print({name: version(name) for name in ("tensordict", "torch", "numpy")})
COSTS = [0.0, 1.0, 2.0, 3.0]


def on_disk(change, **options):
    """The saved costs after a change to a loaded log."""
    TensorDict({"cost": torch.tensor(COSTS)}, [4]).save("log")
    change(TensorDict.load("log", **options))
    return TensorDict.load("log")["cost"].tolist()


def centre(log):
    log["cost"] -= log["cost"].mean()


def centre_anew(log):
    log["cost"] = log["cost"] - log["cost"].mean()


def forgive_the_first_steps(log):
    log[:2]["cost"].sub_(1)


def half_twice(log):
    log["cost"] /= 2
    again = TensorDict.load("log")
    again["cost"] /= 2


for change, right in (
    (centre, [-1.5, -0.5, 0.5, 1.5]),
    (forgive_the_first_steps, [-1, 0, 2, 3]),
    (half_twice, [0, 0.25, 0.5, 0.75]),
    (centre_anew, COSTS),
    (lambda log: centre(log.clone()), COSTS),
):
    found = on_disk(change)
    print(change.__name__, found)
    assert found == right, "loaded logs are copies now" if right != COSTS else "the way round fails"

assert on_disk(centre, mode="r") == COSTS, "the way round fails"
torch.save({"cost": torch.tensor(COSTS)}, "log.pt")
plain = torch.load("log.pt")
plain["cost"] -= 1
assert torch.load("log.pt")["cost"].tolist() == COSTS
PY
