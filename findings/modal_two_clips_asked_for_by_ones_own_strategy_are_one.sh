#!/usr/bin/env bash
# modAL takes one clip where a strategy of one's own returns two, and three where it returns three.
#
# Versions: modAL-python 0.4.2.1, scikit-learn 1.5.2, scipy 1.14.1, numpy 1.26.4.
# One would guess: `query` returns all clips whose indices the strategy returns. A strategy may return indices alone:
#   `SVM_binary_minimum` does so, and there is a warning for one that has no metrics.
# What happens: `query` first tries to take what is returned for a pair of indices and metrics. An array of two
#   indices is such a pair, so the second is taken for the metric of the first. For other numbers of clips that fails,
#   any error is caught, and the strategy is called a second time.
# Seen: asked for 1, 2, 3 and 4 clips, `query` gives 1, 1, 3 and 4, and the features of the only one of two without
#   their axis of clips. `return_metrics=True` gives the index of the lost clip as the metric. The strategy is called
#   2, 1, 2 and 2 times.
# Why it matters: pairs are what people compare, and two clips an hour is what an annotator has time for. Half of the
#   questions are never asked. A strategy that draws at random draws twice, and a slow one takes twice as long.
# Way round: return a pair, the indices and a score for each.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq modAL-python==0.4.2.1 scikit-learn==1.5.2 scipy==1.14.1 numpy==1.26.4
OMP_NUM_THREADS=1 venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np

# The package itself warns of old code of its own while it is imported, so warnings are errors from here on only.
import warnings
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from modAL.models import ActiveLearner
    from sklearn.linear_model import LogisticRegression

print({name: version(name) for name in ("modAL-python", "scikit-learn", "scipy", "numpy")})
random = np.random.default_rng(0)
clips = random.normal(size=(200, 2))
unsafe = (clips[:, 0] > 0).astype(int)
calls = []


def nearest_to_zero(learner, pool, n_instances):
    calls.append(n_instances)
    return np.argsort(np.abs(pool[:, 0]))[:n_instances]


learner = ActiveLearner(LogisticRegression(), nearest_to_zero, clips[:50], unsafe[:50])
pool = clips[50:]
for wanted, seen, called in ((1, 1, 2), (2, 1, 1), (3, 3, 2), (4, 4, 2)):
    right = np.argsort(np.abs(pool[:, 0]))[:wanted]
    calls.clear()
    asked, features = learner.query(pool, n_instances=wanted)
    print(f"{wanted} wanted: clips {right.tolist()}, asked for {np.asarray(asked).tolist()}, "
          f"features of shape {features.shape}, {len(calls)} calls")
    assert np.size(asked) == seen and len(calls) == called, "the number of clips or of calls is another now"
    assert (np.ravel(asked) == right[:seen]).all()
    assert features.shape == ((2,) if wanted == 2 else (wanted, 2)), "the shape is another now"
asked, _, metrics = learner.query(pool, n_instances=2, return_metrics=True)
print("with return_metrics: clip", int(asked), "and the metric", int(metrics))
assert metrics == np.argsort(np.abs(pool[:, 0]))[1], "the second clip is not its metric now"

learner.query_strategy = lambda learner, pool, n_instances: (
    nearest_to_zero(learner, pool, n_instances), np.sort(np.abs(pool[:, 0]))[:n_instances])
calls.clear()
for wanted in (1, 2, 3, 4):
    asked, features = learner.query(pool, n_instances=wanted)
    assert (asked == np.argsort(np.abs(pool[:, 0]))[:wanted]).all() and features.shape == (wanted, 2), "way round"
assert len(calls) == 4
PY
