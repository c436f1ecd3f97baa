#!/usr/bin/env bash
# lifelines counts a collision of probability 0.5 as none in Kaplan-Meier's estimate, and as one in Cox's model.
#
# Versions: lifelines 0.30.0, pandas 3.1.1, scipy 1.17.1, numpy 2.4.6.
# One would guess: an event that is neither 0 nor 1 is refused, or counts by its share, in all models alike.
# What happens: `KaplanMeierFitter` cuts the column to integers: 0.5 and 0.99 become 0. `CoxPHFitter` casts it to
#   booleans: 0.01 becomes True. Both take -1 for an event that was observed. No warning. scikit-survival refuses all
#   three.
# Seen: 200 episodes, of which 121 end by a collision. With 0.5 in place of 1, Kaplan-Meier lets every robot survive,
#   and Cox's coefficient is that of 121 collisions. With -1 ("not labelled") in place of 0, both see 200 collisions.
# Why it matters: labels of safety come from models and annotators as probabilities, and -1 is a common mark for
#   "not labelled". The curve, the median time to the first collision and the coefficient are then of other data.
# Way round: check for 0 and 1 before; leave out or censor what is not labelled.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq lifelines==0.30.0 pandas==3.1.1 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter, KaplanMeierFitter

print({name: version(name) for name in ("lifelines", "pandas", "scipy", "numpy")})
rng = np.random.default_rng(0)
speed = rng.normal(size=200)
steps = np.ceil(rng.exponential(np.exp(-speed) * 50))
ended = rng.random(200) < 0.6


def fitted(events):
    table = pd.DataFrame({"speed": speed, "steps": steps, "collision": events})
    survivors = KaplanMeierFitter().fit(table.steps, table.collision).survival_function_.iloc[-1, 0]
    cox = CoxPHFitter().fit(table, "steps", "collision")
    return round(float(survivors), 3), round(float(cox.params_["speed"]), 4), int(cox.event_observed.sum())


whole, half = fitted(ended.astype(float)), fitted(ended * 0.5)
unlabelled, every = fitted(np.where(ended, 1, -1)), fitted(np.ones(200))
print("0 and 1:", whole, "0 and 0.5:", half, "-1 and 1:", unlabelled, "all 1:", every)
assert half[0] == 1 and whole[0] < 1, "Kaplan-Meier no longer cuts 0.5 to 0"
assert half[1:] == whole[1:], "Cox's model no longer takes 0.5 for 1"
assert unlabelled == every, "-1 is no longer an event"
PY
