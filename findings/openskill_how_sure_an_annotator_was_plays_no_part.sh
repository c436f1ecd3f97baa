#!/usr/bin/env bash
# OpenSkill takes the weights 0.01 and 100 of a comparison of two clips alike, and any weight makes all ratings rise.
#
# Versions: openskill 6.2.0.
# One would guess: a comparison with the weight 0.01 hardly moves the two ratings, one with 1 moves them as without a
#   weight, and what the winner gains the loser loses.
# What happens: weights are stretched to `weight_bounds`, 1 to 2, among those of a team. A team of one has nothing to
#   compare with and gets 2, always. Gains are multiplied by it, losses divided. The docs name the range, but not this.
#   They say that `weight_bounds=None` switches it off; the package of PyPI answers with a TypeError.
# Seen: two new clips, one wins, Plackett-Luce. No weights: +2.6 and -2.6; with 0.01, 1 or 100, or 0.01 and 100: +5.3
#   and -1.3. In 100 comparisons of ten clips by a coin the mean goes from 25.0 to 25.4, and to 53 with any weights.
# Why it matters: doubtful answers count as much as sure ones, and a clip that is compared often is rated better than
#   one that is compared seldom, whoever wins.
# Way round: no weights. Move each rating by the weighted part of the change that `rate` proposes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq openskill==6.2.0
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version
from random import Random

from openskill import models

print({name: version(name) for name in ("openskill",)})


def compare(model, *weights):
    """The changes of two new clips, of which the first wins."""
    options = {"weights": [[weight] for weight in weights]} if weights else {}
    winner, loser = model.rate([[model.rating()], [model.rating()]], ranks=[1, 2], **options)
    return round(winner[0].mu - model.mu, 2), round(loser[0].mu - model.mu, 2)


def season(model, options):
    """The mean rating of ten clips after a hundred comparisons that a coin decides."""
    random, clips = Random(0), [model.rating() for _ in range(10)]
    for _ in range(100):
        first, second = random.sample(range(10), 2)
        (clips[first],), (clips[second],) = model.rate([[clips[first]], [clips[second]]], ranks=[1, 2], **options)
    return round(sum(clip.mu for clip in clips) / 10, 1)


for kind in (models.PlackettLuce, models.BradleyTerryFull, models.BradleyTerryPart, models.ThurstoneMostellerFull):
    model = kind()
    plain, unsure, one = compare(model), compare(model, 0.01, 0.01), compare(model, 1, 1)
    sure, mixed = compare(model, 100, 100), compare(model, 0.01, 100)
    print(kind.__name__, "no weights", plain, "0.01", unsure, "1", one, "100", sure, "0.01 and 100", mixed)
    assert plain[0] == -plain[1] > 0, "without weights the changes differ"
    assert unsure == one == sure == mixed, "weights count now"
    assert abs(one[0] - 2 * plain[0]) < 0.02 and abs(one[1] - plain[1] / 2) < 0.02, "the weight is no longer two"
    means = season(model, {}), season(model, {"weights": [[0.5], [0.5]]})
    print("mean rating after 100 comparisons without and with weights", means)
    assert abs(means[0] - 25) < 1.5 and means[1] > 30, "ratings no longer rise"
    try:
        kind(weight_bounds=None)
    except TypeError as error:
        print("weight_bounds=None:", error)
    else:
        raise AssertionError("weight_bounds=None is accepted now")

model, weight = models.PlackettLuce(), 0.25
proposed = compare(model)
moved = [round(weight * change, 2) for change in proposed]
print("way round, weight 0.25:", moved)
assert moved[0] == -moved[1] and abs(4 * moved[0] - proposed[0]) < 0.03, "the way round fails"
PY
