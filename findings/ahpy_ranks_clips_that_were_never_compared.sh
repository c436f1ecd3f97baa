#!/usr/bin/env bash
# AHPy weighs clips of two groups against each other that nobody compared, with a perfect consistency.
#
# Versions: ahpy 2.1, scipy 1.17.1, numpy 2.4.6.
# One would guess: an error, or a doubt, when comparisons do not connect all clips: any factor between the groups fits.
# What happens: missing comparisons are searched for that make the whole as consistent as can be. Every factor does, and
#   the search ends where both groups weigh the same. No warning, and nothing in `report` tells of it.
# Seen: a is three times as safe as b, c three times as safe as d, and no more. Weights .375, .125, .375, .125 and a
#   consistency ratio of 0.0, the best there is. With one comparison between the groups, d is 9 times a, the same ratio
#   comes with weights .03, .01, .72, .24.
# Why it matters: annotators compare clips within an episode or a task. A ranking over all of them is then half made up,
#   and the number that people report for its quality is at its best.
# Way round: test that comparisons connect all clips before, or compare the best clips of all groups with each other.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq ahpy==2.1 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import ahpy

print({name: version(name) for name in ("ahpy", "scipy", "numpy")})
answers = {("a", "b"): 3, ("c", "d"): 3}
weights = {}
for name, more in (("apart", {}), ("connected", {("d", "a"): 9})):
    result = ahpy.Compare("safety", answers | more, precision=4)
    weights[name] = {clip: round(float(result.target_weights[clip]), 3) for clip in "abcd"}
    print(name, weights[name], "consistency ratio", result.consistency_ratio)
    assert result.consistency_ratio < 0.001, "the consistency is another"
assert weights["apart"] == {"a": 0.375, "b": 0.125, "c": 0.375, "d": 0.125}, "groups are not levelled now"
assert weights["connected"]["c"] > 20 * weights["connected"]["a"]
PY
