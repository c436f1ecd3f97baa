#!/usr/bin/env bash
# irrCAC gives Brennan and Prediger's agreement half of its p-value: 0.028, with a 95 % interval that holds 0.
#
# Versions: irrCAC 0.4.4, pandas 2.3.3, scipy 1.12.0, numpy 1.26.4.
# One would guess: the p-value of `bp` is two-sided, as those of `gwet`, `fleiss`, `conger` and `krippendorff`, and as
#   the interval that comes with it.
# What happens: it is that of one side, for the size of the coefficient without its sign, and so half of the others,
#   also if the annotators agree less than by chance. For the same answers as a table, `irrCAC.table` gives the
#   p-value of two sides, and 1 for agreement below chance. The docstrings say nothing of it.
# Seen: 40 clips, two annotators agree on 26: `bp` 0.3, interval -0.009 to 0.609, p 0.0283, and p 0.0567 by hand. The
#   table gives 0.0537. They agree on 14: -0.3, p 0.0283, and 1 from the table.
# Why it matters: agreement is reported with its p-value. Of two coefficients of the same answers this one seems the
#   surer, and annotators who contradict each other seem to agree.
# Way round: twice the p-value, or the interval.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq irrCAC==0.4.4 pandas==2.3.3 scipy==1.12.0 numpy==1.26.4
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
from irrCAC.raw import CAC
from irrCAC.table import CAC as TableCAC
from scipy import stats

print({name: version(name) for name in ("irrCAC", "pandas", "scipy", "numpy")})


def coefficients(counts):
    """Estimates for clips of two annotators: row, answer of the first (safe, unsafe); column, of the second."""
    rows = [(first, second) for first in (0, 1) for second in (0, 1) for _ in range(counts[first][second])]
    clips = CAC(pd.DataFrame(rows, columns=["a", "b"]))
    return {"bp": clips.bp()["est"], "gwet": clips.gwet()["est"], "fleiss": clips.fleiss()["est"],
            "conger": clips.conger()["est"], "krippendorff": clips.krippendorff()["est"],
            "table": TableCAC(pd.DataFrame(counts)).bp()["est"]}


def two_sided(estimate, clips=40):
    return 2 * stats.t.sf(abs(estimate["coefficient_value"]) / estimate["se"], clips - 1)


for counts in ([[13, 7], [7, 13]], [[7, 13], [13, 7]]):
    found = coefficients(counts)
    agreed = (counts[0][0] + counts[1][1]) / 40
    bp = found["bp"]
    low, high = map(float, bp["confidence_interval"])
    print("agreed", agreed, "bp", float(bp["coefficient_value"]), "interval", (low, high), "p",
          {name: round(float(estimate["p_value"]), 4) for name, estimate in found.items()},
          "two sides by hand", round(float(two_sided(bp)), 4))
    assert np.isclose(bp["coefficient_value"], (agreed - 0.5) / 0.5)
    # The estimate of one clip is 1 or -1, so the standard error is that of their mean.
    clips = np.repeat([1.0, -1.0], [int(40 * agreed), 40 - int(40 * agreed)])
    assert np.isclose(bp["se"], clips.std(ddof=1) / np.sqrt(40), atol=1e-4)
    assert np.isclose(stats.ttest_1samp(clips, 0).pvalue, two_sided(bp), atol=1e-4)
    assert low < 0 < high and bp["p_value"] < 0.05, "the interval and the p-value of bp agree now"
    assert np.isclose(bp["p_value"], two_sided(bp) / 2, rtol=1e-3), "bp has another p-value now"
    for name in ("gwet", "fleiss", "conger", "krippendorff"):
        assert np.isclose(found[name]["p_value"], two_sided(found[name]), rtol=1e-3), name
    assert np.isclose(found["table"]["p_value"], two_sided(found["table"]) if agreed > 0.5 else 1, rtol=1e-3)
PY
