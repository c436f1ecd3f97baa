#!/usr/bin/env bash
# pandas `merge` joins every row without a key to every other row without a key.
#
# Versions: pandas 3.1.1, polars 2.1.0 (to compare), numpy 2.4.6.
# One would guess: a missing key matches nothing, as in SQL and Polars.
# What happens: NaN equals NaN, and None equals None, in `merge` and `join`. `groupby` on the same column
#   leaves such rows out, so the two halves of one analysis treat them in opposite ways.
# Seen: three answers and two labels without a clip id give six joined rows. Polars gives none.
# Why it matters: answers that lost their clip id (a failed upload, an example) are joined to unrelated
#   labels, and to many of them.
# Way round: `dropna(subset=[key])` on both sides before merging.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pandas==3.1.1 polars==2.1.0 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
import polars as pl

print({name: version(name) for name in ("pandas", "polars", "numpy")})
answers = pd.DataFrame({"clip": [1.0, np.nan, np.nan, np.nan], "answer": [1, 0, 1, 0]})
labels = pd.DataFrame({"clip": [1.0, np.nan, np.nan], "p_safe": [0.9, 0.1, 0.2]})
joined = answers.merge(labels, on="clip")
in_polars = pl.from_dict(answers.replace(np.nan, None).to_dict("list"), strict=False)
others = pl.from_dict(labels.replace(np.nan, None).to_dict("list"), strict=False)
print("pandas", len(joined), "Polars", len(in_polars.join(others, on="clip")))
assert len(joined) == 1 + 3 * 2, "missing keys are no longer joined"
assert len(answers.groupby("clip").size()) == 1, "groupby now keeps missing keys"
assert len(in_polars.join(others, on="clip")) == 1, "Polars now joins missing keys"
assert len(answers.dropna(subset=["clip"]).merge(labels.dropna(subset=["clip"]))) == 1, "the way round fails"
PY
