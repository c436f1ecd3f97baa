#!/usr/bin/env bash
# PyTorch's weighted sampler draws clips of weight 0 when the others have run out.
#
# Versions: torch 2.13.0 on a CPU, numpy 2.4.6.
# One would guess: an error that there are too few entries with a weight, as `numpy.random.Generator.choice`
#   raises.
# What happens: without replacement the entries of weight 0 follow at the end. `torch.multinomial` does the
#   same.
# Seen: weights 1, 0, 0 and three draws: 0 first, then 1 and 2. No warning.
# Why it matters: weight 0 marks what must not be trained on: unsafe, held out, unlabelled. A fixed number
#   of draws an epoch and a filter that became stricter bring them in.
# Way round: `replacement=True`, or draw at most as many as there are positive weights.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import torch
from torch.utils.data import WeightedRandomSampler

print({name: version(name) for name in ("torch", "numpy")})
for seed in range(5):
    torch.manual_seed(seed)
    drawn = list(WeightedRandomSampler([1.0, 0.0, 0.0], 3, replacement=False))
    assert drawn[0] == 0 and set(drawn) == {0, 1, 2}, "weight 0 is no longer drawn"
    direct = torch.multinomial(torch.tensor([1.0, 0.0, 0.0]), 3).tolist()
    assert set(direct) == {0, 1, 2}, "multinomial no longer draws weight 0"
print("drawn", drawn, "directly", direct)
assert set(WeightedRandomSampler([1.0, 0.0, 0.0], 3)) == {0}, "the way round fails"
PY
