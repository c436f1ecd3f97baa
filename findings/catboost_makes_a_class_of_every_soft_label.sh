#!/usr/bin/env bash
# CatBoost's classifier makes a class of every soft label: 100 clips with labels between 0 and 1 become 100 classes.
#
# Versions: catboost 1.2.10, scipy 1.17.1, pandas 3.1.1, numpy 2.4.6.
# One would guess: an error, as scikit-learn's classifiers give for such labels, or cross entropy, which CatBoost has.
# What happens: more than two different labels mean several classes, also where they are fractions. Nothing is said.
# Seen: p_safe of 100 clips: 100 classes. `predict` returns labels of the training, which look like probabilities, and
#   `predict_proba(clips)[:, 1]` that of the second-smallest label: at most 0.07 for every clip, safe or not.
# Why it matters: labels by several people, and completed labels, are fractions. The usual second column calls every
#   clip unsafe, and a new clip gets the label of another one.
# Way round: `CatBoostClassifier(loss_function="CrossEntropy")`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq scipy==1.17.1 pandas==3.1.1 numpy==2.4.6 six==1.17.0 graphviz==0.21
venv/bin/pip install -qq --no-deps catboost==1.2.10
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from catboost import CatBoostClassifier

print({name: version(name) for name in ("catboost", "scipy", "pandas", "numpy")})
clips = np.random.default_rng(0).normal(size=(100, 3))
p_safe = 1 / (1 + np.exp(-3 * clips[:, 0]))
quiet = dict(iterations=20, depth=3, verbose=0, allow_writing_files=False, thread_count=1, random_seed=0)
model = CatBoostClassifier(**quiet).fit(clips, p_safe)
second = model.predict_proba(clips)[:, 1]
print("classes", len(model.classes_), "second column between", second.min(), "and", second.max())
assert len(model.classes_) == 100, "soft labels are no longer classes"
assert second.max() < 0.5 and np.mean(p_safe > 0.5) > 0.4
nearest = np.abs(model.predict(clips).reshape(-1, 1) - p_safe).min(axis=1)
assert nearest.max() < 1e-6, "predictions are no longer labels of the training"
crossed = CatBoostClassifier(loss_function="CrossEntropy", **quiet).fit(clips, p_safe).predict_proba(clips)[:, 1]
print("with CrossEntropy, correlation with the labels", np.corrcoef(crossed, p_safe)[0, 1])
assert np.corrcoef(crossed, p_safe)[0, 1] > 0.95, "the way round fails"
PY
