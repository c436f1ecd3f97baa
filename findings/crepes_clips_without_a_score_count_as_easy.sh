#!/usr/bin/env bash
# crepes' 90% sets hold the true label of 81% of the clips when half of the calibration scores are missing (NaN).
#
# Versions: crepes 0.9.1, scikit-learn 1.9.1, pandas 3.1.1, scipy 1.17.1, numpy 2.4.6.
# One would guess: a calibration clip without a score is left out, is an error, or makes the answer NaN, as it does
#   in crepes' conformal regressor.
# What happens: a p-value is the share of calibration scores that are as large as the new one. NaN never is, but
#   counts in the whole. Each p-value is too small by the share of NaN, and sets lose labels.
# Seen: 4,000 clips to calibrate, 4,000 to test. At confidence .9: 90% covered with all scores, 81% with half of
#   them NaN, 70% with two thirds. The regressor's interval is NaN.
# Why it matters: "90%" is the one promise that a conformal method makes, and a model that fails on some clips, or
#   clips without a reading, break it in silence.
# Way round: `scores[~np.isnan(scores)]`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq crepes==0.9.1 scikit-learn==1.9.1 pandas==3.1.1 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from crepes import ConformalClassifier, ConformalRegressor
from crepes.extras import hinge

print({name: version(name) for name in ("crepes", "scikit-learn", "pandas", "scipy", "numpy")})
generator = np.random.default_rng(0)
p_safe = generator.random(8000)
safe = (generator.random(8000) < p_safe).astype(int)
chances = np.c_[1 - p_safe, p_safe]
scores = hinge(chances[:4000], np.array([0, 1]), safe[:4000])


def covered(calibration):
    classifier = ConformalClassifier()
    classifier.fit(calibration)
    sets = classifier.predict_set(hinge(chances[4000:]), confidence=0.9, smoothing=False)
    return round(float(sets[np.arange(4000), safe[4000:]].mean()), 2)


holes = {part: np.where(np.arange(4000) % 6 < 6 * part, np.nan, scores) for part in (0, 1 / 2, 2 / 3)}
seen = {round(part, 2): covered(values) for part, values in holes.items()}
print("covered at confidence .9, by the share of scores that are NaN:", seen)
assert abs(seen[0] - 0.9) < 0.02, "whole scores do not give 90%"
assert abs(seen[0.5] - 0.8) < 0.02 and abs(seen[0.67] - 0.7) < 0.02, "NaN no longer counts as easy"
assert abs(covered(holes[1 / 2][~np.isnan(holes[1 / 2])]) - 0.9) < 0.02, "the way round fails"

regressor = ConformalRegressor()
regressor.fit(holes[1 / 2])
interval = regressor.predict_int(np.zeros(1), confidence=0.9)
print("interval of the regressor", interval.tolist())
assert np.isnan(interval).all()
PY
