#!/usr/bin/env bash
# GIRTH gives an annotator who answered nothing the highest ability of all, 6.
#
# Versions: girth 0.8.0, scipy 1.14.1, numpy 2.1.3.
# One would guess: NaN, as for others whose ability cannot be estimated, or 0. Missing answers are tagged as GIRTH asks.
# What happens: `ability_mle` looks for answers that do not vary. Where all are missing, that test has no result, and
#   the search goes on along a flat line to its upper end. With a number for `no_estimate`, those without a right answer
#   are to get it negative. One missing answer hides that, and the number stays positive.
# Seen: eight questions. Nothing answered: 6.0. All wrong and one missing, with no_estimate=3: +3.0. All wrong: -3.0.
#   All right: +3.0. Five of eight right: 0.5.
# Why it matters: annotators are weighted, paid or chosen by such abilities, and not everybody sees every test clip.
#   Who skips all of them comes first.
# Way round: `ability_eap`, which is finite and near 0 without answers. Or leave out who has no right and wrong answer.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq girth==0.8.0 scipy==1.14.1 numpy==2.1.3
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from girth import ability_eap, ability_mle, tag_missing_data

print({name: version(name) for name in ("girth", "scipy", "numpy")})
difficulty, discrimination = np.linspace(-1.5, 1.5, 8), np.full(8, 1.3)
people = {
    "nothing answered": [9] * 8,
    "all wrong, one missing": [9] + [0] * 7,
    "all wrong": [0] * 8,
    "all right": [1] * 8,
    "five of eight": [1, 1, 1, 1, 1, 0, 0, 0],
}
answers = tag_missing_data(np.array(list(people.values())).T, [0, 1])
found = dict(zip(people, ability_mle(answers, difficulty, discrimination, no_estimate=3).round(2).tolist()))
print("ability_mle", found)
assert found["nothing answered"] > 5.9, "who answered nothing is no longer the ablest"
assert found["all wrong, one missing"] == 3 and found["all wrong"] == -3, "all wrong is all wrong now"
assert found["all right"] == 3 and 0.3 < found["five of eight"] < 0.9
careful = dict(zip(people, ability_eap(answers, difficulty, discrimination).round(2).tolist()))
print("ability_eap", careful)
assert abs(careful["nothing answered"]) < 0.01 and careful["all wrong, one missing"] < -1, "the way round fails"
PY
