#!/usr/bin/env bash
# glicko2 takes a clip that wins and loses everything by turns for steady, unless its rating is close to 1500.
#
# Versions: glicko2 2.1.0.
# One would guess: only differences of ratings count, as in the method. All ratings plus 500 give the same result
#   plus 500.
# What happens: where Glickman's formula for the volatility has the square of the rating's deviation, the code has the
#   square of the rating, counted from 1500. Far from 1500 the volatility stays where it was.
# Seen: a clip is compared 20 times a day with its equals, and wins all or none of them by turns, for 30 days. At 1500
#   its volatility rises to 0.21 and its deviation is 47; at 2000 they are 0.06 and 28. By the formula: 0.53 and 67.
# Why it matters: clips that annotators disagree about are found by deviation and volatility. Among good and bad clips
#   none is ever found. The example of Glickman's paper starts at 1500, and comes out right to five digits.
# Way round: put the formula right, as `Formula` below does.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq glicko2==2.1.0
venv/bin/python -I -W ignore - <<'PY'
import math
from importlib.metadata import version

from glicko2 import Player

print({name: version(name) for name in ("glicko2",)})


class Formula(Player):
    """Glickman's step 5 with the deviation where the package has the rating."""

    def _f(self, x, delta, v, a):
        known = (self.rd / 173.7178) ** 2 + v + math.exp(x)
        return math.exp(x) * (delta**2 - known) / (2 * known**2) - (x - a) / self._tau**2


def erratic(kind, start):
    clip = kind(start, 60, 0.06)
    for day in range(30):
        clip.update_player([start] * 20, [60] * 20, [day % 2] * 20)
    return round(clip.rating - start), round(clip.rd), round(clip.vol, 2)


def example(kind):
    clip = kind(1500, 200, 0.06)
    clip.update_player([1400, 1550, 1700], [30, 100, 300], [1, 0, 0])
    return round(clip.rating, 2), round(clip.rd, 2), round(clip.vol, 4)


for start in (1500, 2000, 2500):
    print("from", start, "moved, deviation, volatility:", erratic(Player, start), "formula", erratic(Formula, start))
print("the example of the paper", example(Player), example(Formula))
assert erratic(Player, 1500) == (80, 47, 0.21), "the result at 1500 has changed"
assert erratic(Player, 2000) == erratic(Player, 2500) == (23, 28, 0.06), "the rating no longer matters so much"
assert erratic(Formula, 1500) == erratic(Formula, 2500) == (210, 67, 0.53), "the way round fails"
assert example(Player) == example(Formula) == (1464.05, 151.52, 0.06), "the example of the paper has changed"
PY
