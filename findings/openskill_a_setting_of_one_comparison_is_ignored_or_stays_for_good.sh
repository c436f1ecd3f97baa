#!/usr/bin/env bash
# OpenSkill ignores tau=0 of a comparison, and limit_sigma=True of a comparison holds for all that come after it.
#
# Versions: openskill 6.2.0.
# One would guess: both are arguments of `rate` that override the model's settings for this one call.
# What happens: `tau if tau else self.tau` takes 0 for nothing given, and the model's own tau, 25 / 300, is added. And
#   `limit_sigma` is written to the model, which keeps it. The docs say what both mean, and neither of these.
# Seen: a clip whose sigma is 0.3 wins once more. With tau=0 in the call, and without: 0.311; with tau=1e-9, or a model
#   with tau=0: 0.300. Without limit_sigma 0.311, with it 0.3, and 0.3 in the next call without it. All five models.
#   After 3,000 comparisons of ten clips the mean sigma is 1.48 with tau=0 in each call, and 1.06 with such a model.
# Why it matters: tau lets ratings drift; for clips, which never change, 0 is right. Who compares two ways to rate with
#   one model compares something else, and the order of the calls decides about the numbers.
# Way round: PlackettLuce(tau=0) and PlackettLuce(limit_sigma=True), a model for each way to rate.
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
kinds = (models.PlackettLuce, models.BradleyTerryFull, models.BradleyTerryPart, models.ThurstoneMostellerFull,
         models.ThurstoneMostellerPart)


def doubts(model, count=3000, **options):
    """The mean sigma of ten clips after so many comparisons that a coin decides."""
    random, clips = Random(0), [model.rating() for _ in range(10)]
    for _ in range(count):
        first, second = random.sample(range(10), 2)
        (clips[first],), (clips[second],) = model.rate([[clips[first]], [clips[second]]], ranks=[1, 2], **options)
    return sum(clip.sigma for clip in clips) / 10


def sure(model, **options):
    """The sigma of a clip that is already well known, after one more comparison."""
    known, other = model.rating(mu=25, sigma=0.3), model.rating()
    return model.rate([[known], [other]], ranks=[1, 2], **options)[0][0].sigma


for kind in kinds:
    given, default, nearly, own = (sure(kind(), tau=0), sure(kind()), sure(kind(), tau=1e-9), sure(kind(tau=0)))
    print(kind.__name__, "sigma with tau=0", given, "none", default, "tau=1e-9", nearly, "model with tau=0", own)
    assert given == default > 0.3, "tau=0 counts now"
    assert abs(nearly - own) < 1e-9 and own <= 0.3, "the way round fails"
    model = kind()
    before, during, after = sure(model), sure(model, limit_sigma=True), sure(model)
    print("   before, with, and after limit_sigma=True:", before, during, after)
    assert during == after == 0.3 < before and model.limit_sigma is True, "it is for one call now"
    assert sure(kind(limit_sigma=True)) == 0.3 and sure(kind()) == before, "the way round fails"
still = models.PlackettLuce(tau=0)
tau = {"tau=0 in each call": doubts(models.PlackettLuce(), tau=0), "model with tau=0": doubts(still)}
print("mean sigma after 3,000 comparisons of ten clips:", {name: round(sigma, 3) for name, sigma in tau.items()})
assert tau["tau=0 in each call"] > 1.3 * tau["model with tau=0"]
PY
