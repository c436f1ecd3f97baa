#!/usr/bin/env bash
# Snorkel's label model gives the annotator who never answered the highest accuracy of all, 1.0.
#
# Versions: snorkel 0.10.0, torch 2.13.0, numpy 2.4.6.
# One would guess: who only abstains has no accuracy: NaN, an error, or the value it starts from.
# What happens: the accuracy is a quotient of two numbers that are both 0, or nearly, and is cut at 1. One who
#   gives every clip the same answer has 0.5.
# Seen: 1,000 clips, five annotators of whom each is right in 85% of the clips and abstains in 30%: 0.83 to 0.90.
#   A sixth who abstained everywhere: 1.0.
# Why it matters: the weights are how annotators are chosen and paid. The list is led by somebody who did nothing,
#   or whose answers were lost by a misspelt name.
# Way round: leave out columns that have no answer.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq snorkel==0.10.0 torch==2.13.0 numpy==2.4.6
venv/bin/python -I -W ignore - 2>log <<'PY'
from importlib.metadata import version

import numpy as np
from snorkel.labeling.model import LabelModel

print({name: version(name) for name in ("snorkel", "torch", "numpy")})
generator = np.random.default_rng(0)
unsafe = generator.integers(0, 2, 1000)
answers = np.where(generator.random((5, 1000)) < 0.85, unsafe, 1 - unsafe)
answers[generator.random((5, 1000)) < 0.3] = -1
weights = {}
for name, sixth in {"silent": np.full(1000, -1), "always safe": np.zeros(1000, int)}.items():
    model = LabelModel(cardinality=2, verbose=False)
    model.fit(np.stack([*answers, sixth], axis=1), seed=0, progress_bar=False)
    weights[name] = model.get_weights().round(3)
    print("sixth annotator", name, "accuracies", weights[name])
assert weights["silent"][5] == 1 and weights["silent"][:5].max() < 0.95, "silence is no longer an accuracy of 1"
assert abs(weights["always safe"][5] - 0.5) < 0.05, "a constant answer has another accuracy"
PY
