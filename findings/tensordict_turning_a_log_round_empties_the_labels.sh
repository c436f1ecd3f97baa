#!/usr/bin/env bash
# tensordict's `gather`, `flip` and `roll` give back an empty label for each clip, where indexing gives the right ones.
#
# Versions: tensordict 0.14.3, torch 2.13.0, numpy 2.4.6.
# One would guess: the labels move with the numbers of their rows, as they do in `td[[2, 0]]`, `td[::2]`, `torch.cat`
#   and `torch.where`, or the functions refuse text.
# What happens: the key stays, the batch size is right, and each label is an empty tensordict. No error or warning. One
#   text for all rows stays as it is.
# Seen: clips 0, 1, 2 are "safe", "unsafe", "unsure". After `gather(0, [2, 0])`, `td["label"]` is a tensordict without
#   entries, `to_dict()` has {} for the labels, and the numbers are right. `flip(0)` and `roll(1)` do the same.
# Why it matters: clips are sorted by their score with `argsort` and `gather`, and clips are played backwards or shifted
#   to make more of them. Labels, tasks and ids as text are then gone, and only who looks at them sees it.
# Way round: `td[order]`, for which `torch.arange(n).flip(0)` and `.roll(1)` give the order.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq tensordict==0.14.3 torch==2.13.0 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import torch
from tensordict import TensorDict

print({name: version(name) for name in ("tensordict", "torch", "numpy")})
labels = ["safe", "unsafe", "unsure"]
clips = TensorDict({"score": torch.tensor([0.1, 0.9, 0.5]), "label": labels, "task": "reach"}, [3])
assert list(clips["label"]) == labels
moved = {
    "gather": (clips.gather(0, torch.tensor([2, 0])), torch.tensor([2, 0])),
    "flip": (clips.flip(0), torch.arange(3).flip(0)),
    "roll": (clips.roll(1), torch.arange(3).roll(1)),
}
for name, (seen, order) in moved.items():
    print(name, seen.to_dict(), "by index", list(clips[order]["label"]))
    assert torch.equal(seen["score"], clips["score"][order]) and seen.batch_size == order.shape, "the numbers are wrong"
    assert isinstance(seen["label"], TensorDict) and seen["label"].is_empty(), f"{name} keeps the labels now"
    assert seen.to_dict()["label"] == {} and "label" in seen.keys()
    assert seen["task"] == "reach"
    assert list(clips[order]["label"]) == [labels[i] for i in order.tolist()], "the way round fails"
assert list(torch.cat([clips, clips])["label"]) == labels * 2, "torch.cat empties the labels as well"
PY
