#!/usr/bin/env bash
# TrueSkill with draws switched off accepts a draw, and becomes less certain by each.
#
# Versions: trueskill 0.4.5.
# One would guess: `draw_probability=0` means no draws, so equal ranks are refused, or change nothing.
# What happens: the update divides by a probability of 0 and falls back on a limit. Between equal players
#   sigma grows with every draw, where any other result and any other setting shrinks it.
# Seen: two new clips with sigma 8.33. After one draw 9.59, after five 14.57. With draw_probability=0.01:
#   6.46 after one.
# Why it matters: comparisons of clips have ties, and one turns the parameter off when people were asked
#   not to give any. Choosing the least certain pair asks for the same pair for ever.
# Way round: the share of ties in the answers as `draw_probability`, never 0.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq trueskill==0.4.5
venv/bin/python -I - <<'PY'
from importlib.metadata import version

from trueskill import Rating, TrueSkill

print({name: version(name) for name in ("trueskill",)})
def after(draws, draw_probability):
    league = TrueSkill(draw_probability=draw_probability)
    first, second = Rating(), Rating()
    for _ in range(draws):
        (first,), (second,) = league.rate([(first,), (second,)], ranks=[0, 0])
    return first.sigma


start, one, five = Rating().sigma, after(1, 0.0), after(5, 0.0)
print("sigma", start, "after a draw", one, "after five", five, "at 0.01", after(1, 0.01))
assert start < one < five, "draws no longer make ratings less certain"
assert abs(five - 14.57) < 0.01, "the uncertainty grows by another amount"
assert after(5, 0.01) < after(1, 0.01) < start, "the way round fails"
PY
