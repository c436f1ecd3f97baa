#!/usr/bin/env bash
# NumPy's generators for seed 5 and for seeds [5, 0] are one and the same stream.
#
# Versions: numpy 2.4.6.
# One would guess: `default_rng([seed, episode])` is another stream for each pair, and none of them is
#   `default_rng(seed)`.
# What happens: SeedSequence fills up with zeros, so trailing zeros change nothing. Numbers are cut into
#   32-bit words, so a large seed equals a list of two small ones.
# Seen: seeds 5, [5, 0] and [5, 0, 0] draw 0.805002923..., each of them. 2**32 equals [0, 1].
#   [0, 5] and `SeedSequence(5, spawn_key=(0,))` differ from them.
# Why it matters: the first episode, fold or worker repeats the parent's stream. Label noise of episode 0
#   is then the noise that drew the pairs, and a held-out set is not independent.
# Way round: `SeedSequence(seed).spawn(n)`, or put the index first and the seed last.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

from numpy.random import SeedSequence, default_rng

print("numpy", version("numpy"))


def first(seed):
    return default_rng(seed).random()


for seed in (5, [5, 0], [5, 0, 0], [0, 5], SeedSequence(5, spawn_key=(0,)), 2**32, [0, 1]):
    print(seed, first(seed))
assert first(5) == first([5, 0]) == first([5, 0, 0]), "trailing zeros count now"
assert first(2**32) == first([0, 1]), "words are told apart now"
assert len({first(5), first([0, 5]), first(SeedSequence(5, spawn_key=(0,)))}) == 3
children = [default_rng(child).random() for child in SeedSequence(5).spawn(3)]
assert len({first(5), *children}) == 4, "the way round fails"
PY
