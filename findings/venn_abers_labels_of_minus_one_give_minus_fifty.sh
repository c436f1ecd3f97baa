#!/usr/bin/env bash
# venn-abers returns "probabilities" of -50 for the labels -1 and 1, and those of another class for -1, 0 and 1.
#
# Versions: venn-abers 1.5.4, scikit-learn 1.9.1, scipy 1.17.1, pandas 3.1.1, numpy 2.4.6.
# One would guess: two labels are two classes, whatever their names, as for every classifier of scikit-learn.
#   Otherwise an error.
# What happens: two labels are summed as numbers. Three labels are used as the places of columns, and -1 is the
#   last column: each class is calibrated with the probabilities of another.
# Seen: calibrated chances between .01 and .97 for labels 0 and 1, -50 to .97 for -1 and 1, .98 to 18 for 1 and 2.
#   With preferences of -1, 0, 1, the accuracy of a model falls from .75 to .33, which is chance.
# Why it matters: -1 and 1 (worse, better) and -1, 0, 1 (with ties) are the usual codes of preferences. The three
#   classes give rows that sum to 1, so nothing shows.
# Way round: `np.unique(labels, return_inverse=True)[1]`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq venn-abers==1.5.4 scikit-learn==1.9.1 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from venn_abers import VennAbersCalibrator

print({name: version(name) for name in ("venn-abers", "scikit-learn", "scipy", "pandas", "numpy")})


def calibrated(chances, labels, asked):
    return VennAbersCalibrator().predict_proba(p_cal=chances, y_cal=labels, p_test=asked)


generator = np.random.default_rng(0)
p = generator.random(1000)
better = (generator.random(1000) < p**2).astype(int)
grid = np.linspace(0.05, 0.95, 7)
two = {
    name: calibrated(np.c_[1 - p, p], labels, np.c_[1 - grid, grid])[:, 1].round(2).tolist()
    for name, labels in {"0, 1": better, "-1, 1": 2 * better - 1, "1, 2": better + 1}.items()
}
print("two classes", two)
assert 0 <= min(two["0, 1"]) and max(two["0, 1"]) <= 1
assert min(two["-1, 1"]) < -10 and max(two["1, 2"]) > 10, "the labels are no longer summed"

scores = np.exp(2 * generator.normal(size=(1000, 3)))
chances = scores / scores.sum(1, keepdims=True)
preferred = np.array([generator.choice(3, p=row) for row in chances]) - 1  # worse, tie, better
right, mixed = (
    (calibrated(chances, labels, chances).argmax(1) == preferred + 1).mean()
    for labels in (np.unique(preferred, return_inverse=True)[1], preferred)
)
print("three classes: accuracy for 0, 1, 2", right, "for -1, 0, 1", mixed)
assert np.allclose(calibrated(chances, preferred, chances).sum(1), 1)
assert right > 0.7, "the way round fails"
assert mixed < 0.4, "the labels no longer are the places of columns"
PY
