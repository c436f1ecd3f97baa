#!/usr/bin/env bash
# TorchMetrics decides batch by batch whether it was given logits: accuracy depends on the size of the batch.
#
# Versions: torchmetrics 1.9.0, torch 2.13.0, numpy 2.4.6.
# One would guess: a metric that takes logits gives one number for the same logits, however they are batched.
# What happens: each `update` looks at its own values. When all of them happen to be in [0, 1], they count as
#   probabilities; one value outside, and the sigmoid is applied to all. Nothing is said.
# Seen: eight clips, logits .1 to .4 and 1.5 to 3 for safe ones, -3 and -2 for unsafe ones, so all are right.
#   Accuracy is 1.0 in one batch of eight, 0.5 clip by clip. AUROC of six other logits falls from 1.0 to 0.78.
# Why it matters: a small model, or a last small batch, has logits between 0 and 1. Two runs with other batch
#   sizes, or on one and on two devices, are compared by different thresholds.
# Way round: `torch.sigmoid(logits)` before every update.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torchmetrics==1.9.0 torch==2.13.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import torch
from torchmetrics.classification import BinaryAccuracy, BinaryAUROC

print({name: version(name) for name in ("torchmetrics", "torch", "numpy")})


def measured(metric, values, labels, batch_size):
    for batch in zip(values.split(batch_size), labels.split(batch_size), strict=True):
        metric.update(*batch)
    return float(metric.compute())


logits = torch.tensor([0.1, 0.2, 0.3, 0.4, 1.5, 3.0, -3.0, -2.0])
safe = (logits > 0).long()
accuracy = {size: measured(BinaryAccuracy(), logits, safe, size) for size in (8, 2, 1)}
ranked = torch.tensor([0.6, 0.8, -1.0, 0.5, 0.55, 3.0])  # each safe clip is above each unsafe one
ranked_safe = torch.tensor([1, 1, 0, 0, 0, 1])
auroc = {size: measured(BinaryAUROC(), ranked, ranked_safe, size) for size in (6, 2)}
certain = {size: measured(BinaryAccuracy(), logits.sigmoid(), safe, size) for size in (8, 2, 1)}
print("accuracy by batch size", accuracy, "AUROC", auroc, "accuracy with sigmoid", certain)
assert accuracy == {8: 1.0, 2: 0.5, 1: 0.5}, "accuracy no longer depends on the batch"
assert auroc[6] == 1 and abs(auroc[2] - 7 / 9) < 1e-6, "AUROC no longer depends on the batch"
assert set(certain.values()) == {1.0}, "the way round fails"
PY
