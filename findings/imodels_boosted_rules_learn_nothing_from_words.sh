#!/usr/bin/env bash
# imodels' boosted rules learn nothing from the labels "safe" and "unsafe", and everything from 0 and 1.
#
# Versions: imodels 3.0.4, scikit-learn 1.9.1, scipy 1.17.1, pandas 3.1.1, numpy 2.4.6.
# One would guess: one classifier for both, as in scikit-learn and as in the other models of imodels, or an error.
# What happens: labels are encoded as 0 and 1 for the boosting, and the names are put back afterwards. The small trees
#   still answer 0 and 1, and no name equals them. Every class gets the same vote, and the first one wins. Labels 1 and
#   2 fail in part. Not documented.
# Seen: 600 clips that are unsafe above one speed. `BoostedRulesClassifier` is right for all with 0 and 1. With words it
#   calls every clip safe with a probability of 0.5. `SlipperClassifier` does so too. A `FIGSClassifier` is always right.
# Why it matters: answers of people come as words, and these models are chosen to show them rules. With few unsafe
#   clips such a model is right for most of them.
# Way round: `(labels == "unsafe").astype(int)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq imodels==3.0.4 scikit-learn==1.9.1 scipy==1.17.1 pandas==3.1.1 six==1.17.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from imodels import BoostedRulesClassifier, FIGSClassifier, SlipperClassifier

print({name: version(name) for name in ("imodels", "scikit-learn", "scipy", "pandas", "numpy")})
clips = np.random.default_rng(0).normal(size=(600, 3))
unsafe = (clips[:, 0] > 0.5).astype(int)
words = np.where(unsafe == 1, "unsafe", "safe")


def right(model, labels):
    found = model().fit(clips, labels)
    answers, chances = found.predict(clips), found.predict_proba(clips)
    share = float(np.mean(answers == labels))
    print(f"{model.__name__}: {share:.3f} right, answers {np.unique(answers)}, chances", end=" ")
    print(f"{chances.min():.2f} to {chances.max():.2f}")
    return share, set(answers.tolist()), chances


for model in (BoostedRulesClassifier, SlipperClassifier):
    share, answers, chances = right(model, words)
    assert answers == {"safe"} and np.allclose(chances, 0.5), "words are learnt now"
    assert right(model, unsafe)[0] > 0.85, "the way round fails"
assert right(FIGSClassifier, words)[0] > 0.99
PY
