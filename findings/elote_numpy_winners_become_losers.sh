#!/usr/bin/env bash
# Elote's arena counts every win as a defeat when the comparison is made by NumPy.
#
# Versions: elote 1.5.1, numpy 2.4.6.
# One would guess: a comparison function that says yes for its first clip lets that clip win, by `bool` or `np.bool_`.
# What happens: the answer is compared with `is True`. NumPy's True is another object, so it counts as False, and
#   the second clip wins. A tie is None only; False and NumPy's False agree.
# Seen: a clip of return 0.9 against one of 0.1, 50 times, "the higher return wins". Python floats: ratings 646 and
#   154, 50 wins. The same numbers from an array: 154 and 646, 50 defeats.
# Why it matters: returns, preferences and thresholds come from arrays, where `>` gives NumPy's type. The
#   ranking is then upside down, without an error.
# Way round: `bool(...)` round the comparison, or `outcome=1.0` or `0.0`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq elote==1.5.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from elote import LambdaArena

print({name: version(name) for name in ("elote", "numpy")})


def rated(returns, agrees=lambda answer: answer):
    arena = LambdaArena(lambda a, b: agrees(returns[a] > returns[b]))
    for _ in range(50):
        arena.matchup("good", "bad")
    ratings = {one["competitor"]: round(one["rating"]) for one in arena.leaderboard()}
    return ratings, {bout.outcome for bout in arena.history.bouts}


python, numpy = {"good": 0.9, "bad": 0.1}, dict(zip(("good", "bad"), np.array([0.9, 0.1])))
for returns in (python, numpy):
    print(type(returns["good"] > returns["bad"]), *rated(returns))
assert rated(python)[1] == {"win"} and rated(python)[0]["good"] > rated(python)[0]["bad"]
assert rated(numpy)[1] == {"loss"} and rated(numpy)[0]["good"] < rated(numpy)[0]["bad"], "NumPy's True is now a win"
assert rated(numpy, bool) == rated(python), "the way round fails"
PY
