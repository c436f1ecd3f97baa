#!/usr/bin/env bash
# cleanlab calls half of the unsafe labels wrong when the model has learnt nothing.
#
# Versions: cleanlab 2.9.0, scikit-learn 1.9.1, numpy 2.4.6.
# One would guess: a model without information, whose probabilities are the shares of the classes, gives no reason
#   to doubt any label.
# What happens: a clip counts as an error when its probability is above the mean for *another* class. Where all
#   probabilities are alike, that is chance, and only the rare class ever loses.
# Seen: 1,000 clips, 107 of them unsafe, and features without any relation to the labels. Cross-validated logistic
#   regression: 55 errors, every one of them an unsafe label. DummyClassifier, which sees no feature: 44.
# Why it matters: the few reports of accidents are what is thrown away first, and the list looks like a finding.
#   A weak model is what one has at the beginning, when labels are cleaned.
# Way round: before the list is read, compare the model's log loss with that of the shares: here .340 and .340.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq cleanlab==2.9.0 scikit-learn==1.9.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from cleanlab.filter import find_label_issues
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_predict

print({name: version(name) for name in ("cleanlab", "scikit-learn", "numpy")})
generator = np.random.default_rng(0)
features = generator.normal(size=(1000, 5))
unsafe = (generator.random(1000) < 0.1).astype(int)
called, losses = {}, {}
for model in (LogisticRegression(), DummyClassifier()):
    name = type(model).__name__
    probabilities = cross_val_predict(model, features, unsafe, cv=5, method="predict_proba")
    issues = find_label_issues(unsafe, probabilities, n_jobs=1)
    called[name] = (int(issues.sum()), int(issues[unsafe == 1].sum()))
    losses[name] = log_loss(unsafe, probabilities)
print("unsafe labels", unsafe.sum(), "called wrong, of these unsafe", called, "log loss", losses)
wrong, wrong_unsafe = called["LogisticRegression"]
assert wrong == wrong_unsafe and wrong > 0.4 * unsafe.sum(), "labels are doubted for another reason now"
assert called["DummyClassifier"] == (44, 44), "the shares alone no longer condemn the unsafe labels"
assert losses["LogisticRegression"] > 0.99 * losses["DummyClassifier"], "the way round fails"
PY
