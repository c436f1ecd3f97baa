#!/usr/bin/env bash
# choix's default fit by Newton's method returns finite scores where the likelihood has no maximum.
#
# Versions: choix 0.4.1, scipy 1.17.1, numpy 2.4.6.
# One would guess: an error, as `ilsr_pairwise` and `mm_pairwise` raise, or a warning.
# What happens: `opt_pairwise` without `alpha` stops where the gradient is small. The scores depend on the
#   number of repeated answers. Clips that no chain of answers links are ranked together.
# Seen: 0 beat 1 once: a distance of 11.3; a hundred times: 15.6. Groups {0, 1} and {2, 3} were never compared,
#   and 2 is ranked above 0.
# Why it matters: few comparisons leave clips that won or lost always, and groups without a link. Such scores
#   as rewards are of the optimiser's making.
# Way round: `alpha=0.1` or so for always won or lost; check that the graph of answers is connected.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq choix==0.4.1 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import choix
import numpy as np

print({name: version(name) for name in ("choix", "scipy", "numpy")})
once, often = choix.opt_pairwise(2, [(0, 1)]), choix.opt_pairwise(2, [(0, 1)] * 100)
apart = choix.opt_pairwise(4, [(0, 1), (1, 0), (2, 3), (3, 2), (2, 3)])
print("distance", once[0] - once[1], often[0] - often[1], "two groups", apart.round(2))
assert 5 < once[0] - once[1] < often[0] - often[1] < 100, "separable answers have changed"
assert apart[2] > max(apart[0], apart[1]) + 0.3, "groups without a link are no longer ranked"
refused = 0
for answers, clips in (([(0, 1)], 2), ([(0, 1), (1, 0), (2, 3), (3, 2), (2, 3)], 4)):
    try:
        choix.ilsr_pairwise(clips, answers)
    except ValueError:
        refused += 1
assert refused == 2, "ilsr_pairwise no longer refuses"
regular = choix.opt_pairwise(2, [(0, 1)], alpha=0.1)
assert regular[0] - regular[1] < 5, "the way round fails"
PY
