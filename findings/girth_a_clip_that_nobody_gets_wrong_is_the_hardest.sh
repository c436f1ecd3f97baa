#!/usr/bin/env bash
# GIRTH calls a test clip that nobody gets wrong the hardest of all, and one with a single mistake the easiest.
#
# Versions: girth 0.8.0, scipy 1.14.1, numpy 2.1.3.
# One would guess: the easiest, at the lower end of the scale (-6), or an error.
# What happens: answers of an item are counted by their distinct values. Where there is one value only, the item is
#   fitted as if its curve had a step that nobody took. `rasch_mml` works from the shares and puts it right.
# Seen: 500 people and eight clips. One clip is always right: a difficulty of 6.0 by `twopl_mml`, the others between -1.1
#   and 1.7. With one wrong answer of 500: -6.0. `rasch_mml` gives -6.0 both times.
# Why it matters: test clips that all pass are common, as obvious crashes are. Sorted by difficulty, they are taken for
#   the clips to train annotators with, or to drop.
# Way round: leave out items with `answers.min(1) == answers.max(1)` first, or fit them by `rasch_mml`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq girth==0.8.0 scipy==1.14.1 numpy==2.1.3
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from girth import rasch_mml, twopl_mml

print({name: version(name) for name in ("girth", "scipy", "numpy")})
random = np.random.default_rng(0)
ability, difficulty = random.normal(size=500), np.linspace(-1.5, 1.5, 8)
right = random.random((8, 500)) < 1 / (1 + np.exp(-1.3 * (ability - difficulty[:, None])))
answers = right.astype(int)
answers[0] = 1  # nobody gets the first clip wrong
easy = answers.copy()
easy[0, 0] = 0  # one does


def fit(answers):
    found = twopl_mml(answers)["Difficulty"].round(2), rasch_mml(answers, 1.3)["Difficulty"].round(2)
    print("twopl_mml", found[0], "rasch_mml", found[1])
    return found


two, one = fit(answers)
assert two[0] > 5.9 and two[1:].max() < 3, "a clip that nobody gets wrong is no longer the hardest"
assert one[0] < -5, "the way round fails"
two, one = fit(easy)
assert two[0] < -3 and one[0] < -3, "a clip with one mistake is not easy"
PY
