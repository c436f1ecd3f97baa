#!/usr/bin/env bash
# With one seed, `torch.randn(15)` and `torch.randn(16)` have no number in common.
#
# Versions: torch 2.13.0 on a CPU, numpy 2.4.6.
# One would guess: a longer draw begins with the shorter one, as in `torch.rand` and NumPy.
# What happens: below 16 numbers one formula is used, from 16 on another on blocks of 16, and the last,
#   incomplete block is drawn anew over the end of the one before.
# Seen: seed 0. No number of randn(15) is in randn(16). randn(20) shares only 4 with randn(16).
#   Two draws of 8 give other numbers than one draw of 16.
# Why it matters: "same seed, same noise" ends when a batch, an action or a segment is one longer. Label
#   noise and exploration change, and a difference between two methods may be that alone.
# Way round: draw by NumPy, or draw a fixed number and cut.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
import torch

print({name: version(name) for name in ("torch", "numpy")})
def draw(function, *counts):
    torch.manual_seed(0)
    return torch.cat([function(count) for count in counts]).tolist()


sizes = {count: draw(torch.randn, count) for count in (15, 16, 20)}
print("randn(15)", sizes[15][:3], "randn(16)", sizes[16][:3])
assert not set(sizes[15]) & set(sizes[16]), "15 and 16 numbers now have some in common"
assert sizes[20][:4] == sizes[16][:4] and not set(sizes[20][4:]) & set(sizes[16]), "20 and 16 have changed"
assert not set(draw(torch.randn, 8, 8)) & set(sizes[16]), "two halves now have some in common with the whole"
assert draw(torch.rand, 20)[:16] == draw(torch.rand, 16), "uniform numbers now depend on the count"
one, two = np.random.default_rng(0), np.random.default_rng(0)
assert np.array_equal(one.normal(size=15), two.normal(size=16)[:15]), "the way round fails"
PY
