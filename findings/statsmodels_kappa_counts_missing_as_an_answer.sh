#!/usr/bin/env bash
# statsmodels counts "not labelled" (NaN or -1) as an answer that annotators can agree on.
#
# Versions: statsmodels 0.15.0, scipy 1.17.1, pandas 2.3.3, numpy 2.4.6.
# One would guess: `aggregate_raters` leaves missing ratings out, or refuses NaN.
# What happens: every value is a category, NaN too. Fleiss' kappa, which needs the same number of ratings
#   for every clip, is then computed without complaint.
# Seen: two clips on which two annotators contradict each other: kappa -1. With eight clips more that
#   nobody has labelled kappa is 0.41, "moderate agreement".
# Why it matters: the more of a table is empty, the better the annotators seem to agree. Adding an annotator
#   who did nothing raises it further.
# Way round: Krippendorff's alpha with NaN for missing, or keep fully labelled clips only.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq statsmodels==0.15.0 scipy==1.17.1 pandas==2.3.3 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

print({name: version(name) for name in ("statsmodels", "scipy", "pandas", "numpy")})
labelled = np.array([[1.0, 0.0], [0.0, 1.0]])
table, categories = aggregate_raters(labelled)
alone = fleiss_kappa(table)
table, with_missing = aggregate_raters(np.concatenate([labelled, np.full((8, 2), np.nan)]))
padded = fleiss_kappa(table)
print("two clips", alone, categories, "with eight unlabelled", padded, with_missing)
assert np.isclose(alone, -1)
assert with_missing.size == 3 and np.isnan(with_missing[-1]), "NaN is no longer a category"
assert padded > 0.4, "missing ratings no longer count as agreement"
table, marks = aggregate_raters(np.concatenate([labelled, np.full((8, 2), -1.0)]))
assert fleiss_kappa(table) == padded, "-1 and NaN now differ"
PY
