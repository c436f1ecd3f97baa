#!/usr/bin/env bash
# Evalica's Bradley-Terry gives every clip the same score when one of them was never beaten, or never won.
#
# Versions: evalica 0.4.2, numpy 2.4.6, pandas 3.1.1, scipy 1.17.1.
# One would guess: the undefeated clip gets a large score, or an error, and the others keep their order.
# What happens: its score is divided by zero, the scaling by the geometric mean turns all scores into NaN, and
#   every NaN is replaced by the tolerance, 1e-6. Equal scores look like convergence, after two rounds.
# Seen: a, b, c compared twelve times have the scores 2.13, 1.00, 0.47. With one comparison more, which d wins
#   against c, all four have 0.000001, and with `newman` as well. No warning.
# Why it matters: among some hundreds of comparisons of clips, one is nearly always undefeated. The others' order
#   is lost with it, and a sort by score returns the order of appearance.
# Way round: one win and one loss of every clip against an imagined clip (a prior), with a small `weights`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq evalica==0.4.2 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import evalica

print({name: version(name) for name in ("evalica", "numpy", "pandas", "scipy")})
first, second = list("aaaabbbbaaaa"), list("bbbbcccccccc")
winners = [evalica.Winner.X] * 3 + [evalica.Winner.Y]
winners = winners * 3
before = evalica.bradley_terry(first, second, winners)
after = evalica.bradley_terry([*first, "d"], [*second, "c"], [*winners, evalica.Winner.X])
newman = evalica.newman([*first, "d"], [*second, "c"], [*winners, evalica.Winner.X])
prior = [(clip, "imagined", winner) for clip in "abcd" for winner in (evalica.Winner.X, evalica.Winner.Y)]
names, imagined, results = zip(*prior, strict=True)
regular = evalica.bradley_terry(
    [*first, "d", *names],
    [*second, "c", *imagined],
    [*winners, evalica.Winner.X, *results],
    weights=[1.0] * 13 + [0.1] * 8,
)
for result in (before, after, newman, regular):
    print(result.scores.round(6).to_dict(), "iterations", result.iterations)
assert before.scores["a"] > 2 > 1.1 > before.scores["b"] > 0.5 > before.scores["c"]
assert set(after.scores) == {1e-6} and after.iterations < after.limit, "the scores are no longer levelled"
assert set(newman.scores) == {1e-6}, "newman no longer levels the scores"
assert regular.scores["a"] > regular.scores["b"] > regular.scores["c"], "the way round fails"
assert regular.scores["d"] > regular.scores["c"], "the way round fails"
PY
