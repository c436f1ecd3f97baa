#!/usr/bin/env bash
# scikit-learn's weighted kappa puts "low", "mid", "high" in the order high, low, mid.
#
# Versions: scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6.
# One would guess: text with `weights="quadratic"` is refused, since there is no order to weight by.
# What happens: labels are sorted as text and the distance is between positions in that order. Numbers are
#   weighted by position as well, not by value: 0, 1, 100 count as 0, 1, 2.
# Seen: six pairs of answers: kappa is 0.5 with numbers and -0.25 with words. No warning.
# Why it matters: answers of annotators come as words. Slight and gross disagreement are mixed up, and good
#   annotators are sorted out.
# Way round: `labels=["low", "mid", "high"]`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
from sklearn.metrics import cohen_kappa_score

print({name: version(name) for name in ("scikit-learn", "scipy", "numpy")})
words = ["low", "mid", "high"]
first = ["low", "high", "low", "high", "mid", "mid"]
second = ["mid", "mid", "low", "high", "low", "high"]
numbers = [[words.index(word) for word in answers] for answers in (first, second)]
by_number = cohen_kappa_score(*numbers, weights="quadratic")
by_word = cohen_kappa_score(first, second, weights="quadratic")
print("numbers", by_number, "words", by_word)
assert np.isclose(by_number, 0.5)
assert np.isclose(by_word, -0.25), "words are no longer sorted by spelling"
ordered = cohen_kappa_score(first, second, weights="quadratic", labels=words)
assert np.isclose(ordered, by_number), "the way round fails"
far = cohen_kappa_score([0, 1, 100], [0, 1, 1], weights="quadratic")
assert far == cohen_kappa_score([0, 1, 2], [0, 1, 1], weights="quadratic"), "values now matter"
PY
