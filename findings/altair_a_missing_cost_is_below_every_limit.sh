#!/usr/bin/env bash
# A picture by Altair counts a missing cost as 0 in filters and sums, and leaves it out of means.
#
# Versions: altair 6.3.0, vl-convert-python 1.9.0.post1, pandas 3.1.1, numpy 2.4.6.
# One would guess: a row whose cost is missing (NaN) passes no filter on costs, as in pandas, and mean(cost + 1) is
#   mean(cost) + 1.
# What happens: NaN is written as null, and Vega computes as JavaScript does, where null is 0: it is below 1 and within
#   [0, 1], and null + 1 is 1. Means and medians leave null out.
# Seen: costs .2, .4, .9, 1.5 and three missing. "cost < 1" keeps six rows of seven, and three in pandas. The mean of
#   the cost is .75, that of cost + 1 is 1.43 where it is 1.75.
# Why it matters: a count of episodes below a limit takes in those whose cost nobody recorded, so agents look safer. The
#   same picture may say so by its bars, and not by its means.
# Way round: filter by `isValid(datum.cost)` first, or drop the rows in pandas.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq altair==6.3.0 vl-convert-python==1.9.0.post1 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
import re
from importlib.metadata import version

import altair
import numpy as np
import pandas
import vl_convert

print({name: version(name) for name in ("altair", "vl-convert-python", "pandas", "numpy")})
table = pandas.DataFrame({"agent": "A", "cost": [0.2, 0.4, 0.9, 1.5, np.nan, np.nan, np.nan]})
chart = altair.Chart(table).mark_bar()


def drawn(chart, value):
    """The number that the only bar shows."""
    picture = vl_convert.vegalite_to_svg(chart.encode(x="agent:N", y=value).to_dict())
    return float(re.findall(r'aria-label="agent: A; [^:"]*: ([0-9.]+)"', picture)[0])


plus_one = chart.transform_calculate(more="datum.cost + 1")
print("rows below 1 in pandas:", len(table[table.cost < 1]))
for condition in (
    "datum.cost < 1",
    altair.FieldLTPredicate(field="cost", lt=1),
    altair.FieldRangePredicate(field="cost", range=[0, 1]),
):
    kept = drawn(chart.transform_filter(condition), "count()")
    print("rows kept by", str(condition).split("(")[0], kept)
    assert kept == 6, "missing costs do not pass the filter now"
    assert drawn(chart.transform_filter("isValid(datum.cost)").transform_filter(condition), "count()") == 3
means = drawn(chart, "mean(cost):Q"), drawn(plus_one, "mean(more):Q")
print("mean of the cost, and of cost + 1:", means)
assert means[0] == 0.75 and abs(means[1] - 10 / 7) < 1e-9, "the means are others"
assert drawn(plus_one.transform_filter("isValid(datum.cost)"), "mean(more):Q") == 1.75, "the way round fails"
PY
