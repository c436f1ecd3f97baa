#!/usr/bin/env bash
# skrub's `Joiner` joins 600 steps with costs of the very same seconds, and 594 steps get the cost of another one.
#
# Versions: skrub 0.11.0, scikit-learn 1.9.1, scipy 1.17.1, pandas 3.1.1, numpy 2.4.6.
# One would guess: each row gets its nearest row of the other table, so one with an equal key gets that, at least with
#   `max_dist=0`.
# What happens: keys that are numbers or times are made float32 first, a time as seconds since 1970. Such numbers lie
#   128 apart today, so all times of two minutes become one, and one row of them is taken. No error or warning.
#   The distance is given as 0 and the match as accepted.
# Seen: 6 of 600 steps get their own row, 6 rows are used for all, and the largest distance is 2 min 6 s, given as
#   0.0. The same with seconds as numbers, and with `fuzzy_join`. Of 600 clips whose ids begin at 16777216, which is
#   2**24, 301 get their own answer. Seconds since the start of the drive, and ids from 0, are all right.
# Why it matters: logs of two sensors, or labels and clips, are joined by time or id. The costs repeat for two
#   minutes, and the label of a clip is that of its neighbour, both with the distance of a perfect match.
# Way round: subtract the first time or id from both keys, or `pandas.merge` and `merge_asof`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq skrub==0.11.0 scikit-learn==1.9.1 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
from skrub import Joiner, fuzzy_join

print({name: version(name) for name in ("skrub", "scikit-learn", "scipy", "pandas", "numpy")})
steps = 600


def joined(keys, max_dist=0.0):
    """How many get their own row, rows used, largest distance, the one that is given, share of accepted matches."""
    log = pd.DataFrame({"key": keys, "step": np.arange(steps)})
    costs = pd.DataFrame({"key": keys, "step": np.arange(steps)})
    table = Joiner(costs, key="key", suffix="_cost", max_dist=max_dist).fit_transform(log)
    other = fuzzy_join(log, costs, on="key", suffix="_cost", max_dist=max_dist)
    assert np.array_equal(table["step_cost"], other["step_cost"]), "fuzzy_join differs"
    right = log.merge(costs, on="key", suffixes=("", "_cost"))
    assert len(right) == steps and (right["step"] == right["step_cost"]).all()
    assert len(pd.merge_asof(log, costs, on="key")) == steps
    return (int((table["step"] == table["step_cost"]).sum()), table["step_cost"].nunique(),
            (table["key_cost"] - table["key"]).abs().max(), float(table["skrub_Joiner_distance"].max()),
            float(table["skrub_Joiner_match_accepted"].mean()))


start = pd.Timestamp("2024-03-01 12:00")
times = pd.date_range(start, periods=steps, freq="1s")
seconds = start.timestamp() + np.arange(steps)
ids = 2**24 + np.arange(steps)
seen = {"times": joined(times), "seconds": joined(seconds), "ids": joined(ids)}
seen |= {"times, any distance": joined(times, np.inf)}
for name, row in seen.items():
    print(name, row)
assert seen["times"][0] == seen["times"][1] == 6, "equal times find each other now"
assert seen["times"][2] == pd.Timedelta(minutes=2, seconds=6) and seen["times"][3:] == (0.0, 1.0)
assert seen["times, any distance"] == seen["times"]
assert seen["seconds"][0] == 6 and seen["seconds"][3:] == (0.0, 1.0), "equal seconds find each other now"
assert seen["ids"][0] == 301 and seen["ids"][3:] == (0.0, 1.0), "equal ids find each other now"
assert len(np.unique(seconds.astype(np.float32))) == 6 and len(np.unique(ids.astype(np.float32))) == 301
for keys in (seconds - seconds[0], ids - ids[0]):
    row = joined(keys)
    print("way round", row)
    assert row[0] == steps, "the way round fails"
PY
