#!/usr/bin/env bash
# feature-engine finds no shift, a PSI of 0.0, in a contact that is on in 5% of the early steps and in all later ones.
#
# Versions: feature_engine 1.9.4, scikit-learn 1.9.1, scipy 1.17.1, pandas 3.1.1, numpy 2.4.6.
# One would guess: the population stability index (PSI) of two shares as different as 0.05 and 1 is large, 11.55, so
#   `DropHighPSIFeatures` drops the column. The docstring has an example with a column of 0 and 1 that is dropped.
# What happens: the ends of the intervals are quantiles of the early steps, by default in tenths. Of a column of 0 and
#   1 the ends are 0 and 1, of a rare count its least and its largest, and these are moved to infinity: one interval
#   holds all that was and all that may come, and its share is 1 before and after. Only if a quantile lies between 0
#   and 1 by chance, as at 50%, there are two. No error or warning.
# Seen: PSI 0.0 from 5% to 100%, from 45% to 100%, from never to always, and for a count of collisions that is 0 to 2
#   first and 20 to 22 then. From exactly 50% to 100% it is 4.6. A normal sensor that moves by two deviations has
#   3.99.
# Why it matters: contacts, collisions, brakes and faults are such columns. A bumper that is stuck is found stable,
#   and the steadiest of all columns.
# Way round: `strategy="equal_width"`, or such a column as text, of which each value is a class.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq feature_engine==1.9.4 scikit-learn==1.9.1 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
from feature_engine.selection import DropHighPSIFeatures

print({name: version(name) for name in ("feature_engine", "scikit-learn", "scipy", "pandas", "numpy")})
steps = 1000
rng = np.random.default_rng(0)


def psi(early, late, **options):
    """The PSI by feature-engine, and whether the column is dropped."""
    column = np.concatenate([early, late])
    log = pd.DataFrame({"signal": column, "step": np.arange(len(column))})
    selector = DropHighPSIFeatures(split_col="step", variables=["signal"], **options).fit(log)
    assert selector.cut_off_ == len(early) - 0.5
    return round(float(selector.psi_values_["signal"]), 2), selector.features_to_drop_ == ["signal"]


def by_hand(early, late, least=0.0001):
    """The same by its formula, each value an interval of its own."""
    values = np.union1d(early, late)
    shares = [np.maximum([np.mean(part == value) for value in values], least) for part in (early, late)]
    return round(float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0]))), 2)


sometimes, often = (np.repeat([0.0, 1.0], counts) for counts in ((950, 50), (550, 450)))
never, always = np.zeros(steps), np.ones(steps)
rare = rng.poisson(0.05, steps).astype(float)
pairs = {"5% to 100%": (rng.permutation(sometimes), always), "45% to 100%": (rng.permutation(often), always),
         "never to always": (never, always), "count": (rare, rare + 20)}
seen = {name: psi(*pair) for name, pair in pairs.items()}
print("PSI and whether dropped", seen, "by hand", {name: by_hand(*pair) for name, pair in pairs.items()})
assert set(seen.values()) == {(0.0, False)}, "a contact that never ends is a shift now"
assert min(by_hand(*pair) for pair in pairs.values()) > 2
even = np.repeat([0.0, 1.0], 500)
print("50% to 100%", psi(even, always))
assert psi(even, always) == (by_hand(even, always), True)
normal = psi(rng.normal(size=steps), rng.normal(2, 1, steps))
print("a normal sensor, two deviations up", normal, "counts", [rare.min(), rare.max()], "and", [(rare + 20).min(),
      (rare + 20).max()])
assert normal[0] > 3 and normal[1], "no shift is found at all"
for name, pair in pairs.items():
    as_text = [part.astype(int).astype(str) for part in pair]
    ways = psi(*pair, strategy="equal_width"), psi(*as_text)
    print("way round", name, ways)
    assert all(value > 2 and dropped for value, dropped in ways), "the way round fails"
PY
