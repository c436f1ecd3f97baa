#!/usr/bin/env bash
# scikit-learn gives AUC 0 to a model whose p_safe separates "safe" from "unsafe" without an error.
#
# Versions: scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6.
# One would guess: text labels need `pos_label`, as `brier_score_loss` and `average_precision_score` say.
# What happens: `roc_auc_score` and `log_loss` sort the labels and take the last one for positive, here
#   "unsafe". No warning.
# Seen: p_safe 0.9, 0.8, 0.2, 0.1 for safe, safe, unsafe, unsafe: AUC 0.0, log loss 1.96 (0.16 is right).
#   With "ok" and "danger" the same numbers give AUC 1.
# Why it matters: AUC 0.3 of a noisy model is read as "no signal in these labels", and they are thrown away.
# Way round: `labels == "safe"` in place of the text.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

print({name: version(name) for name in ("scikit-learn", "scipy", "numpy")})
labels, p_safe = np.array(["safe", "safe", "unsafe", "unsafe"]), np.array([0.9, 0.8, 0.2, 0.1])
renamed = np.where(labels == "safe", "ok", "danger")
area, loss = roc_auc_score(labels, p_safe), log_loss(labels, p_safe)
print("AUC", area, "log loss", loss, "renamed", roc_auc_score(renamed, p_safe))
assert area == 0.0 and loss > 1.9, "the last label is no longer positive"
assert roc_auc_score(renamed, p_safe) == 1.0
for score in (average_precision_score, brier_score_loss):
    try:
        score(labels, p_safe)
    except ValueError:
        continue
    raise AssertionError(f"{score.__name__} no longer asks for pos_label")
assert roc_auc_score(labels == "safe", p_safe) == 1.0, "the way round fails"
assert log_loss(labels == "safe", p_safe) < 0.2, "the way round fails"
PY
