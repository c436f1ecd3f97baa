#!/usr/bin/env bash
# StatsForecast's Croston method forecasts 0.25 crashes a step for a complete log, and 0.73 if half of it is missing.
#
# Versions: statsforecast 2.1.1, utilsforecast 0.2.17, scipy 1.17.1, pandas 2.3.3, numpy 2.4.6.
# One would guess: steps without a value (NaN) are left out, or the forecast is NaN, or an error comes.
# What happens: each NaN ends an interval between two crashes, since it is not equal to 0, but has no size, since it is
#   not above 0. So the crashes seem to follow each other closely. No error or warning, and nothing in the docs.
#   `CrostonSBA`, `CrostonOptimized` and `TSB` do it in their ways.
# Seen: 40 steps with a crash at every fourth: 0.25 a step. With NaN for the last 20: 0.73; `TSB` goes from 0.34 to
#   0.99. With NaN at every fourth step between the crashes: 0.5. With NaN for every second crash: still 0.25.
# Why it matters: methods for rare demand are made for series with many zeros, such as crashes and interventions. A
#   logger that failed makes a robot three times as dangerous.
# Way round: drop what is missing, `y[~numpy.isnan(y)]`, if the time it stands for may be left out.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq statsforecast==2.1.1 utilsforecast==0.2.17 scipy==1.17.1 pandas==2.3.3 numpy==2.4.6
venv/bin/python -I -W error::RuntimeWarning -W error::UserWarning - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import TSB, CrostonClassic, CrostonOptimized, CrostonSBA

print({name: version(name) for name in ("statsforecast", "utilsforecast", "scipy", "pandas", "numpy")})
step = np.arange(40)
crash = (step % 4 == 3).astype(float)
logs = {
    "complete": crash,
    "last half missing": np.where(step < 20, crash, np.nan),
    "steps between missing": np.where(step % 4 == 1, np.nan, crash),
    "every second crash missing": np.where(step % 8 == 3, np.nan, crash),
}


def forecast(values):
    """The next value, by four methods."""
    table = pd.DataFrame({"unique_id": "robot", "ds": np.arange(len(values)), "y": values})
    models = [CrostonClassic(), CrostonSBA(), CrostonOptimized(), TSB(0.2, 0.2)]
    row = StatsForecast(models, freq=1).forecast(df=table, h=1).iloc[0]
    return {str(model): round(float(row[str(model)]), 2) for model in models}


def by_hand(values, weight=0.1):
    """Croston: smoothed sizes over smoothed intervals, with NaN as an end of an interval without a size."""

    def smooth(numbers):
        level = numbers[0]
        for number in numbers[1:]:
            level = weight * number + (1 - weight) * level
        return level

    ends = np.flatnonzero(np.isnan(values) | (values > 0))
    return round(float(smooth(values[values > 0]) / smooth(np.diff(ends + 1, prepend=0).astype(float))), 2)


seen = {name: forecast(values) for name, values in logs.items()}
for name, values in logs.items():
    print(name, seen[name], "by hand", by_hand(values), "without NaN", forecast(values[~np.isnan(values)]))
    assert seen[name]["CrostonClassic"] == by_hand(values), "NaN is something else now"
classic = [answer["CrostonClassic"] for answer in seen.values()]
assert classic == [0.25, 0.73, 0.5, 0.25], "Croston's method has changed"
assert [answer["TSB"] for answer in seen.values()][:2] == [0.34, 0.99], "TSB has changed"
first_half = logs["last half missing"][:20]
assert forecast(first_half)["CrostonClassic"] == 0.25, "the way round fails"
PY
