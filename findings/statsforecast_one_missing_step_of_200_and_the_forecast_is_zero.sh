#!/usr/bin/env bash
# StatsForecast's AutoARIMA forecasts exactly 0 for a sensor that reads about 10, if one of its 200 values is missing.
#
# Versions: statsforecast 2.1.1, utilsforecast 0.2.17, statsmodels 0.15.0, scipy 1.17.1, pandas 2.3.3, numpy 2.4.6.
# One would guess: almost the same forecast, since ARIMA deals with missing values by its state space; the docs of the
#   argument `method` speak of them. Or an error, as `AutoETS` and `ARIMA` raise.
# What happens: each candidate fails on the NaN, the failures are swallowed, and what is left is "ARIMA(0,0,0) with zero
#   mean", which says 0 for ever. No error or warning. NaN in the first value alone does no harm.
# Seen: a slow wave between 9 and 11. Complete, the next three values are forecast as 10.71, 10.65, 10.49; the truth is
#   10.75, 10.6, 10.43. With NaN at step 100, or in the last row, the forecasts are 0, 0, 0. statsmodels' ARIMA(5,0,0)
#   gives 10.71, 10.66, 10.49 with the same NaN, and so does `AutoARIMA` with the gap interpolated.
# Why it matters: one lost packet, and the forecast of a cost or a distance is a number that looks like a good one: no
#   cost, or an obstacle that has been reached.
# Way round: look for NaN first, or fill gaps by interpolation.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq statsforecast==2.1.1 utilsforecast==0.2.17 statsmodels==0.15.0 scipy==1.17.1 pandas==2.3.3 \
  numpy==2.4.6
venv/bin/python -I -W error::RuntimeWarning -W error::UserWarning - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
from statsforecast import StatsForecast
from statsforecast.arima import arima_string
from statsforecast.models import ARIMA, AutoARIMA
from statsmodels.tsa.arima.model import ARIMA as OtherARIMA

names = ("statsforecast", "utilsforecast", "statsmodels", "scipy", "pandas", "numpy")
print({name: version(name) for name in names})
steps = 200
truth = np.sin(np.arange(steps + 3) / 5) + 10
complete = truth[:steps] + np.random.default_rng(0).normal(0, 0.1, steps)


def with_gap(step):
    values = complete.copy()
    values[step] = np.nan
    return values


def forecast(values):
    """Through the table and by the model itself."""
    table = pd.DataFrame({"unique_id": "sensor", "ds": np.arange(steps), "y": values})
    seen = StatsForecast([AutoARIMA(season_length=1)], freq=1).forecast(df=table, h=3)["AutoARIMA"].to_numpy()
    model = AutoARIMA(season_length=1).fit(values)
    assert np.allclose(model.predict(3)["mean"], seen)
    return seen.round(2).tolist(), arima_string(model.model_).strip()


seen = {"complete": forecast(complete)} | {f"NaN at {step}": forecast(with_gap(step)) for step in (0, 100, steps - 1)}
for name, answer in seen.items():
    print(name, *answer)
print("truth", truth[steps:].round(2).tolist())
for step in (100, steps - 1):
    assert seen[f"NaN at {step}"] == ([0.0] * 3, "ARIMA(0,0,0) with zero mean"), "a missing value is no zero now"
for name in ("complete", "NaN at 0"):
    assert np.abs(np.array(seen[name][0]) - truth[steps:]).max() < 0.1, "the forecast is bad without a gap as well"

other = OtherARIMA(with_gap(100), order=(5, 0, 0)).fit().forecast(3)
print("statsmodels with NaN at 100", other.round(2).tolist())
assert np.abs(other - truth[steps:]).max() < 0.1, "it is not to be had"
try:
    ARIMA(order=(5, 0, 0)).fit(with_gap(100))
except ValueError as error:
    print("ARIMA of the same package:", error)
else:
    raise SystemExit("ARIMA takes NaN now")
filled = forecast(pd.Series(with_gap(100)).interpolate().to_numpy())
print("way round", *filled)
assert np.abs(np.array(filled[0]) - truth[steps:]).max() < 0.1, "the way round fails"
PY
