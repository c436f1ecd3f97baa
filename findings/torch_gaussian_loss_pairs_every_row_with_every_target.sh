#!/usr/bin/env bash
# PyTorch's Gaussian loss compares every prediction with every target for shapes (n, 1) and (n,).
#
# Versions: torch 2.13.0, numpy 2.4.6.
# One would guess: an error, or the warning about sizes that `mse_loss`, `l1_loss` and `huber_loss` give.
# What happens: target and prediction are broadcast to (n, n) without a word. The best prediction is then the
#   mean of all targets.
# Seen: predictions 0, 1, 2 that equal their targets, variance 1. The loss is 0 for equal shapes and 0.667
#   for (3, 1) and (3,).
# Why it matters: a network returns (n, 1), a table's column is (n,). A reward or cost model that predicts its
#   own uncertainty learns nothing but an average, with a falling loss.
# Way round: `target.reshape(prediction.shape)` before the loss.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import warnings

import torch
import torch.nn.functional as F

print({name: version(name) for name in ("torch", "numpy")})
target = torch.arange(3.0)
prediction, variance = target[:, None], torch.ones(3, 1)
equal = F.gaussian_nll_loss(prediction, target[:, None], variance)
mixed = F.gaussian_nll_loss(prediction, target, variance)  # a warning would be an error here
print("equal shapes", equal.item(), "mixed", mixed.item())
assert equal == 0
assert torch.isclose(mixed, ((prediction - target) ** 2).mean() / 2), "shapes are no longer broadcast"
for loss in (F.mse_loss, F.l1_loss, F.huber_loss):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        loss(prediction, target)
    assert seen, f"{loss.__name__} no longer warns"
assert F.gaussian_nll_loss(prediction, target.reshape(prediction.shape), variance) == 0, "the way round fails"
PY
