#!/usr/bin/env bash
# Fairlearn finds no difference between a robot that is always called safe and one that never is.
#
# Versions: fairlearn 0.15.0, scikit-learn 1.9.1, scipy 1.17.1, pandas 3.1.1, numpy 2.4.6.
# One would guess: labels in words are an error without `pos_label`, as for Fairlearn's false positive rate.
# What happens: the selection rate counts predictions that equal 1. "safe" does not, and neither does "1", so the
#   rate of every group is 0, and their difference too. Nothing is said.
# Seen: two clips of robot a, called safe, two of b, called unsafe: `demographic_parity_difference` is 0.0 for the
#   words, for "1" and "0" too. For 1 and 0 it is 1.0.
# Why it matters: 0 is the best result there is. A table over groups of annotators, robots or scenes shows no bias
#   because nothing was counted.
# Way round: `np.asarray(labels) == "safe"` before.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq fairlearn==0.15.0 scikit-learn==1.9.1 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from fairlearn.metrics import MetricFrame, demographic_parity_difference, false_positive_rate, selection_rate

print({name: version(name) for name in ("fairlearn", "scikit-learn", "scipy", "pandas", "numpy")})
robots = ["a", "a", "b", "b"]
words = np.array(["safe", "safe", "unsafe", "unsafe"])


def difference(called):
    return demographic_parity_difference(called, called, sensitive_features=robots)


rates = MetricFrame(metrics=selection_rate, y_true=words, y_pred=words, sensitive_features=robots).by_group.to_dict()
seen = difference(words), difference(np.array(["1", "1", "0", "0"])), difference(np.array([1, 1, 0, 0]))
print("rates of the words", rates, "differences of words, digits as text, numbers:", seen)
assert rates == {"a": 0, "b": 0}, "words are counted"
assert seen == (0, 0, 1), "words are counted"
try:
    false_positive_rate(words, words)
except ValueError as error:
    print("the false positive rate:", error)
else:
    raise AssertionError("the false positive rate takes words")
assert difference(words == "safe") == 1, "the way round fails"
PY
