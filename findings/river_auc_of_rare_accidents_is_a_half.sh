#!/usr/bin/env bash
# River's AUC of a model that separates perfectly is 0.5 when all risks are small, and 0 for logits.
#
# Versions: river 0.26.1, numpy 2.4.6.
# One would guess: AUC is about ranks, so it does not matter whether scores lie near 0, or outside [0, 1].
# What happens: scores are compared with ten thresholds between 0 and 1, which is the default. Scores between two
#   neighbouring thresholds are all equal. Scores outside count for no threshold, and nothing is said.
# Seen: 2,000 clips, a risk of .014 to .026 for unsafe and of .007 to .013 for safe ones: 0.5. The same risks
#   as log-odds give 0, the worst value there is. With n_thresholds=1000 the risks give 1.0.
# Why it matters: accidents are rare, so calibrated risks of a step are small. A perfect monitor and a coin look
#   alike.
# Way round: `RollingROCAUC`, which sorts; or scores spread over [0, 1] by their ranks.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq river==0.26.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from river import metrics

print({name: version(name) for name in ("river", "numpy")})


def auc(metric, scores):
    for label, score in zip(unsafe, scores, strict=True):
        metric.update(bool(label), float(score))
    return metric.get()


generator = np.random.default_rng(0)
unsafe = generator.random(2000) < 0.5
risks = np.where(unsafe, 0.02, 0.01) * generator.uniform(0.7, 1.3, 2000)
assert risks[unsafe].min() > risks[~unsafe].max()
by_default = auc(metrics.ROCAUC(), risks)
log_odds = auc(metrics.ROCAUC(), np.log(risks / (1 - risks)))
finer, sorting = auc(metrics.ROCAUC(n_thresholds=1000), risks), auc(metrics.RollingROCAUC(window_size=2000), risks)
print("risks", by_default, "log-odds", log_odds, "finer", finer, "sorting", sorting)
assert by_default == 0.5 and abs(log_odds) < 1e-9, "the AUC is another"
assert finer > 0.99 and sorting == 1, "the way round fails"
PY
