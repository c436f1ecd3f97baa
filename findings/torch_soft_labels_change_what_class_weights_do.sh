#!/usr/bin/env bash
# PyTorch's cross entropy gives another loss for the same labels as probabilities when classes have weights.
#
# Versions: torch 2.13.0, numpy 2.4.6.
# One would guess: class 1 and the probabilities (0, 1) are the same label, so the same loss.
# What happens: for class numbers the mean is divided by the sum of the weights, for probabilities by the
#   number of rows.
# Seen: two rows, weights 1 and 9. Loss 0.075 with numbers, 0.377 with probabilities: five times as much.
# Why it matters: labels become soft as soon as two people differ. Loss and gradient then change by the mean
#   weight, and so do the learning rate and the balance with every other term.
# Way round: `reduction="none"` and a mean of one's own; or weights whose mean over the data is 1.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import torch
import torch.nn.functional as F

print({name: version(name) for name in ("torch", "numpy")})
logits = torch.tensor([[0.0, 0.0], [0.0, 5.0]])
labels, weights = torch.tensor([0, 1]), torch.tensor([1.0, 9.0])
soft = F.one_hot(labels).float()
by_number, by_share = F.cross_entropy(logits, labels, weights), F.cross_entropy(logits, soft, weights)
print("numbers", by_number.item(), "probabilities", by_share.item())
assert torch.isclose(F.cross_entropy(logits, labels), F.cross_entropy(logits, soft)), "they differ without weights"
assert torch.isclose(by_share / by_number, weights.sum() / 2), "the ratio is no longer the mean weight"
rows = [F.cross_entropy(logits, target, weights, reduction="none") for target in (labels, soft)]
assert torch.allclose(*rows), "the way round fails"
PY
