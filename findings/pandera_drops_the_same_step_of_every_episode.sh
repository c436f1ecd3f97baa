#!/usr/bin/env bash
# pandera's `drop_invalid_rows` drops the same step of every other episode with the one that is invalid.
#
# Versions: pandera 0.35.0, pandas 3.1.1, numpy 2.4.6.
# One would guess: rows that break a rule are dropped, and no other.
# What happens: the rows to drop are found again by their index label. Where labels repeat, every row with the label
#   of an invalid one goes, valid or not. There is no warning, and `validate` returns a table that is valid.
# Seen: ten episodes of 100 steps, put together by `pandas.concat`, so that each has the index 0 to 99. One speed of
#   999 in step 40 of episode 3: ten rows are dropped, step 40 of each episode. With the episode as the index, all
#   100 rows of episode 3 are dropped.
# Why it matters: each episode has a gap of one step afterwards, and consecutive rows are no transitions any more.
#   Returns and costs are too small.
# Way round: `reset_index(drop=True)` before validation.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pandera==0.35.0 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
import pandera.pandas as pa

print({name: version(name) for name in ("pandera", "pandas", "numpy")})
episodes = [pd.DataFrame({"episode": k, "step": np.arange(100), "speed": 5.0}) for k in range(10)]
episodes[3].loc[40, "speed"] = 999.0
log = pd.concat(episodes)
schema = pa.DataFrameSchema({"speed": pa.Column(float, pa.Check.lt(100))}, drop_invalid_rows=True)


def lost(table):
    left = schema.validate(table, lazy=True)
    return 1000 - len(left), 100 - left.groupby("episode").size().reindex(range(10), fill_value=0).to_numpy()


for name, table in (
    ("index of steps", log),
    ("index of episodes", log.set_index("episode", drop=False).rename_axis(None)),
    ("own index", log.reset_index(drop=True)),
):
    print(name, *lost(table))
assert lost(log)[0] == 10 and (lost(log)[1] == 1).all(), "only the invalid row is dropped now"
assert lost(log.set_index("episode", drop=False).rename_axis(None))[1][3] == 100
assert lost(log.reset_index(drop=True))[0] == 1, "the way round fails"
PY
