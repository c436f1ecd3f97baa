#!/usr/bin/env bash
# polars_ds gives a label model a smaller squared error, and a larger R^2, the more predictions are missing.
#
# Versions: polars_ds 0.13.0, polars 2.1.0, numpy 2.4.6.
# One would guess: rows without a prediction are left out, or the result is null.
# What happens: the squares are summed over the rows that have a prediction, and divided by the number of all labels.
#   R^2 compares this sum with the spread of all labels. The ROC AUC refuses missing values, and the log loss leaves
#   them out.
# Seen: 1,000 labels, predictions that are off by 1 everywhere. Mean squared error 1.0; with nine predictions in ten
#   missing, 0.1. R^2 rises from -3.0 to .6. With all missing it is 1, and the error 0.
# Why it matters: models that abstain where they are in doubt look better for it, and one that crashes looks perfect.
# Way round: `drop_nulls(["label", "prediction"])` before, and report how many rows are left.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq polars_ds==0.13.0 polars==2.1.0 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import polars as pl
import polars_ds as pds

print({name: version(name) for name in ("polars_ds", "polars", "numpy")})
rows = pl.DataFrame({"label": [0.0, 1.0] * 500}).with_columns(prediction=pl.col("label") + 1, row=pl.int_range(1000))
ERROR = pds.query_l2("label", "prediction").alias("error"), pds.query_r2("label", "prediction").alias("r2")
seen = {}
for known in (1000, 100, 0):
    some = rows.with_columns(pl.when(pl.col("row") < known).then("prediction"))
    seen[known] = some.select(ERROR).row(0)
    left = some.drop_nulls().select(ERROR).row(0)
    print(f"{known} predictions: mean squared error and R^2 {seen[known]}, without missing rows {left}")
    assert known == 0 or left == (1.0, -3.0), "the way round fails"
assert seen[1000] == (1.0, -3.0)
assert [round(value, 6) for value in seen[100]] == [0.1, 0.6], "missing predictions are left out now"
assert seen[0] == (0.0, 1.0), "a model without predictions is not perfect now"
PY
