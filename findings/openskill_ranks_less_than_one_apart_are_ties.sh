#!/usr/bin/env bash
# OpenSkill's Plackett-Luce calls ranks 0.2 and 0.9 a tie; its Bradley-Terry calls them a win.
#
# Versions: openskill 6.2.0.
# One would guess: ranks are compared as numbers, as the types allow, in all models of the package.
# What happens: the recommended model, PlackettLuce, groups ranks by their integer part. `scores` are
#   turned into ranks first and do not suffer.
# Seen: two new clips, ranks 0.2 and 0.9: both stay at 25. Ranks 0.9 and 1.1: 27.6 and 22.4. BradleyTerryFull
#   gives 27.6 and 22.4 for both.
# Why it matters: mean ranks of several annotators, or 1 - preference, lie between 0 and 1. All answers
#   become ties, without an error.
# Way round: `scores` (higher is better), or integer ranks.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq openskill==6.2.0
venv/bin/python -I - <<'PY'
from importlib.metadata import version

from openskill.models import BradleyTerryFull, PlackettLuce

print({name: version(name) for name in ("openskill",)})
def rated(model, **result):
    league = model()
    return [round(clip.mu, 1) for (clip,) in league.rate([[league.rating()], [league.rating()]], **result)]


print("PlackettLuce", rated(PlackettLuce, ranks=[0.2, 0.9]), "BradleyTerry", rated(BradleyTerryFull, ranks=[0.2, 0.9]))
assert rated(PlackettLuce, ranks=[0.2, 0.9]) == [25.0, 25.0], "ranks below one apart are no longer ties"
assert rated(PlackettLuce, ranks=[0.9, 1.1]) == [27.6, 22.4], "ranks across an integer are no longer a win"
assert rated(BradleyTerryFull, ranks=[0.2, 0.9]) == [27.6, 22.4], "Bradley-Terry has changed"
assert rated(PlackettLuce, scores=[0.9, 0.2]) == [27.6, 22.4], "the way round fails"
PY
