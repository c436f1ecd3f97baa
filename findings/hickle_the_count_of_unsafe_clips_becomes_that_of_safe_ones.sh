#!/usr/bin/env bash
# hickle reads the key False of a dictionary as True: counts of safe and unsafe clips become one, under the wrong name.
#
# Versions: hickle 5.0.3, h5py 3.16.0, numpy 2.4.6.
# One would guess: a dictionary comes back as it was written, as it does with keys 0 and 1, None, floats and text.
# What happens: keys are written as text, and read with the type of the key. `bool("False")` is True, so that both keys
#   become True, and the later one wins. Nothing is reported, and the documentation has no word on it.
# Seen: {True: 12, False: 3} comes back as {True: 3}, {False: 3} as {True: 3}; the same inside other dictionaries.
# Why it matters: answers of people are counted by `safe` and `unsafe` as booleans. The three unsafe clips are then all
#   there is, and they are called safe.
# Way round: use 0 and 1 or text as keys, or a list of pairs.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq hickle==5.0.3 h5py==3.16.0 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import hickle

print({name: version(name) for name in ("hickle", "h5py", "numpy")})


def back(value):
    hickle.dump(value, "counts.hkl", mode="w")
    read = hickle.load("counts.hkl")
    print(value, "->", read)
    return read


assert back({True: 12, False: 3}) == {True: 3}, "both keys are kept now"
assert back({False: 3}) == {True: 3}, "False stays False now"
assert back({"robot": {True: 12, False: 3}}) == {"robot": {True: 3}}, "both keys are kept now"

ones = back({1: 12, 0: 3})
assert ones == {1: 12, 0: 3} and back({None: 1, 0.5: 2}) == {None: 1, 0.5: 2}, "other keys have changed"
words = {"safe": 12, "unsafe": 3}
assert back(words) == words and dict(back([(True, 12), (False, 3)])) == {True: 12, False: 3}, "the way round fails"
PY
