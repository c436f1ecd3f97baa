#!/usr/bin/env bash
# PyTorch's binary loss on logits takes -1 ("not labelled") for a label, and its loss falls without end.
#
# Versions: torch 2.13.0, numpy 2.4.6.
# One would guess: a label outside [0, 1] is refused, as `binary_cross_entropy` refuses it.
# What happens: `binary_cross_entropy_with_logits` does not check. For -1 the loss is linear: the lower the
#   logit the better, below 0 as well. Label 2 drives the logit up in the same way.
# Seen: label -1, logits 0, -10, -100: losses 0.69, -10.0, -100.0. The gradient stays at 1.
# Why it matters: -1 is a usual mark for "not labelled". Every such clip pulls the model to "unsafe", harder
#   than a real label does, and the loss curve looks better than ever.
# Way round: a mask, `loss[labels >= 0].mean()`; and a check that no loss is negative.
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
logits = torch.tensor([0.0, -10.0, -100.0], requires_grad=True)
unlabelled = torch.full((3,), -1.0)
losses = F.binary_cross_entropy_with_logits(logits, unlabelled, reduction="none")
losses.sum().backward()
print("losses", losses.tolist(), "gradients", logits.grad.tolist())
assert losses[1] < -9.9 and losses[2] < -99, "the loss is no longer negative"
assert torch.all(logits.grad[1:] > 0.99), "the gradient now fades"
try:
    F.binary_cross_entropy(torch.sigmoid(logits), unlabelled)
except RuntimeError:
    pass
else:
    raise AssertionError("binary_cross_entropy no longer refuses")
PY
