#!/usr/bin/env bash
# alibi-detect finds no drift in a sensor that gives nothing but NaN, and none ever if the reference had one NaN.
#
# Versions: alibi-detect 0.13.0, scikit-learn 1.9.1, scipy 1.17.1, numpy 1.26.4.
# One would guess: missing values are left out, or are an error, or count as a change.
# What happens: one NaN on either side makes the p-value of that sensor NaN. NaN is not below the limit, so `is_drift`
#   is 0. No warning. KSDrift, CVMDrift and TabularDrift do the same. Their docstrings do not speak of missing values.
# Seen: 500 steps of three sensors as reference, 200 new ones. Sensor 0 shifted by two standard deviations: drift. All
#   of its values NaN: no drift. Shifted, with one NaN in the new steps: no drift. With one NaN in the reference: no
#   drift.
# Why it matters: a sensor that fails now and then is watched least of all. One gap in the reference log switches the
#   alarm for that sensor off for ever, and the answer looks like a good one.
# Way round: count missing values apart, drop their rows on both sides, and stop if a p-value is NaN.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq alibi-detect==0.13.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==1.26.4
venv/bin/python -I - 2>log <<'PY'
from importlib.metadata import version

import numpy as np
from alibi_detect.cd import CVMDrift, KSDrift, TabularDrift

print({name: version(name) for name in ("alibi-detect", "scikit-learn", "scipy", "numpy")})
generator = np.random.default_rng(0)
reference, same = generator.normal(size=(500, 3)), generator.normal(size=(200, 3))
shifted, dead = same + [2, 0, 0], same.copy()
dead[:, 0] = np.nan
one_gap, old_gap = shifted.copy(), reference.copy()
one_gap[7, 0] = old_gap[7, 0] = np.nan
cases = {
    "as before": (reference, same),
    "shifted": (reference, shifted),
    "dead": (reference, dead),
    "shifted, one gap": (reference, one_gap),
    "shifted, one gap in the reference": (old_gap, shifted),
    "rows with gaps dropped": (old_gap[~np.isnan(old_gap).any(1)], one_gap[~np.isnan(one_gap).any(1)]),
}
for kind in (KSDrift, CVMDrift, TabularDrift):
    found = {}
    for name, (old, new) in cases.items():
        data = kind(old, p_val=0.05).predict(new)["data"]
        found[name] = int(data["is_drift"])
        print(f"{kind.__name__}, {name}: drift {found[name]}, p-values {np.round(data['p_val'], 3).tolist()}")
        gap = name not in ("as before", "shifted", "rows with gaps dropped")
        assert np.isnan(data["p_val"][0]) == gap and not np.isnan(data["p_val"][1:]).any(), "NaN is treated otherwise"
    assert found["as before"] == 0 and found["shifted"] == 1, "the control fails"
    assert found["dead"] == found["shifted, one gap"] == found["shifted, one gap in the reference"] == 0, "found now"
    assert found["rows with gaps dropped"] == 1, "the way round fails"
PY
