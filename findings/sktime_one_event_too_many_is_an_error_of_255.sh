#!/usr/bin/env bash
# sktime's mean absolute error of counts stored as uint8 is 127.75 where each forecast is off by one at most.
#
# Versions: sktime 1.2.0, scikit-base 1.1.1, scikit-learn 1.9.1, scipy 1.17.1, pandas 2.3.3, numpy 2.3.5.
# One would guess: `MeanAbsoluteError()(y, forecast)` and `mean_absolute_error(y, forecast)` of this package agree.
# What happens: the class subtracts the columns in their own type. In uint8, 0 - 1 is 255, and its square is 1. So an
#   error of one event too many counts 255, and one event too few counts 1. The function casts first. Not documented.
# Seen: four steps with 0, 3, 5, 1 collisions, forecasts 1, 3, 4, 2. Mean absolute error: .75 from the function,
#   127.75 from the class, 64.25 with both swapped. 20 collisions that were not foreseen have a squared
#   error of 144, not 400.
# Why it matters: counts and labels are stored in small unsigned types. A forecast that says too much looks worst, and
#   one that says too little looks best, which is the dangerous side.
# Way round: `astype("int64")` or `astype(float)` before.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq sktime==1.2.0 scikit-base==1.1.1 scikit-learn==1.9.1 scipy==1.17.1 pandas==2.3.3 numpy==2.3.5
venv/bin/python -I - <<'PY'
import warnings
from importlib.metadata import version

import pandas as pd
from sktime.performance_metrics.forecasting import (
    MeanAbsoluteError,
    MeanSquaredError,
    mean_absolute_error,
    mean_squared_error,
)

print({name: version(name) for name in ("sktime", "scikit-base", "scikit-learn", "scipy", "pandas", "numpy")})
warnings.simplefilter("error")
collisions = pd.Series([0, 3, 5, 1], dtype="uint8")
forecast = pd.Series([1, 3, 4, 2], dtype="uint8")
by_class = MeanAbsoluteError()(collisions, forecast), MeanAbsoluteError()(forecast, collisions)
by_step = MeanAbsoluteError().evaluate_by_index(collisions, forecast).tolist()
by_function = mean_absolute_error(collisions, forecast), mean_absolute_error(forecast, collisions)
as_integers = MeanAbsoluteError()(collisions.astype("int64"), forecast.astype("int64"))
print("class", by_class, "by step", by_step, "function", by_function, "class with int64", as_integers)
assert by_function == (0.75, 0.75) and as_integers == 0.75, "the way round fails"
assert by_class == (127.75, 64.25) and by_step == [255, 0, 1, 255], "the class casts now"

none, twenty = pd.Series([0], dtype="uint8"), pd.Series([20], dtype="uint8")
squares = MeanSquaredError()(twenty, none), mean_squared_error(twenty, none)
print("squared error of 20 collisions that were not foreseen: class", squares[0], "function", squares[1])
assert squares == (144, 400), "the squares are right now"
assert MeanSquaredError()(twenty.astype(float), none.astype(float)) == 400, "the way round fails"
PY
