#!/usr/bin/env bash
# Elote's whole-history rating gives a clip that won 100 of 100 comparisons a chance of 66% to win the next one.
#
# Versions: elote 1.5.1, numpy 2.4.6.
# One would guess: a new clip's rating is unknown, so comparisons decide it; that they were made on one day or on
#   many plays no part for a clip that does not change.
# What happens: the rating before the first game counts as known to the day. It moves by the variance `w2` a day
#   only, 300 Elo points squared by default, which is 17 points for all games of the first day.
# Seen: the chance to win again after 10 and 100 wins of 10 and 100. All on one day: 52% and 66%. One a day: 61%
#   and 98%. Elote's Bradley-Terry: 98% and more.
# Why it matters: annotators compare clips in one sitting. All preferences are then near 0.5, and the same answers
#   give other preferences when they are collected slowly.
# Way round: `w2` of the order of the spread of the ratings (400 squared), or another rating for clips.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq elote==1.5.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from datetime import datetime, timedelta
from importlib.metadata import version

from elote import BradleyTerryCompetitor, LambdaArena, WholeHistoryRatingCompetitor

print({name: version(name) for name in ("elote", "numpy")})


def chance(wins, days, competitor=WholeHistoryRatingCompetitor, **settings):
    """How likely the clip that won all comparisons, one every `days`, wins the next one, in %."""
    arena = LambdaArena(lambda a, b: True, base_competitor=competitor, base_competitor_kwargs=settings)
    for index in range(wins):
        arena.matchup("good", "bad", match_time=datetime(2026, 1, 1) + timedelta(days=days * index))
    return round(100 * arena.expected_score("good", "bad"))


one_day, many_days = ([chance(wins, days) for wins in (10, 100)] for days in (0, 1))
others = [chance(wins, 0, BradleyTerryCompetitor) for wins in (10, 100)]
wide = [chance(wins, 0, w2=400.0**2) for wins in (10, 100)]
print("one day", one_day, "one a day", many_days, "Bradley-Terry", others, "w2 400 squared", wide)
assert one_day == [52, 66], "wins of one day have another weight"
assert many_days == [61, 98], "wins of many days have another weight"
assert min(others) >= 90
assert wide[0] >= 80, "the way round fails"
PY
