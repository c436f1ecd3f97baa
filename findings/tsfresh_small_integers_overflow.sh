#!/usr/bin/env bash
# tsfresh computes features of 8- and 16-bit columns modulo 256 and 65,536.
#
# Versions: tsfresh 0.21.2, pandas 2.3.3, numpy 1.26.4, scipy 1.14.1.
# One would guess: features are numbers about the signal, whatever type it is stored in; all of them are float64.
# What happens: differences and squares are taken in the type of the column. They wrap around, without a warning.
#   Sums and means are right, since NumPy widens those.
# Seen: 1000, 30000, 30000 as int16: mean 20333, root mean square 41.6, as floats 24502. As uint8, 200, 10, 20 have
#   a mean change of +38 in place of -90, and absolute changes of 76 in place of 200.
# Why it matters: raw sensors, lidar, pixels and CAN signals are small integers. A detector that is trained on such
#   features learns from the type, and fails when another reader hands out floats.
# Way round: `astype(float)` before `extract_features`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq tsfresh==0.21.2 pandas==2.3.3 numpy==1.26.4 scipy==1.14.1
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
from tsfresh import extract_features

print({name: version(name) for name in ("tsfresh", "pandas", "numpy", "scipy")})


def features(values, dtype):
    names = ("mean", "root_mean_square", "mean_change", "absolute_sum_of_changes")
    log = pd.DataFrame({"episode": 0, "v": np.array(values, dtype)})
    table = extract_features(
        log, column_id="episode", default_fc_parameters=dict.fromkeys(names), n_jobs=0, disable_progressbar=True
    )
    return {name: round(float(table[f"v__{name}"].iloc[0]), 1) for name in names}


short, full = (features([1000, 30000, 30000], dtype) for dtype in (np.int16, float))
print("int16", short, "float64", full)
assert short["mean"] == full["mean"] == 20333.3
assert (short["root_mean_square"], full["root_mean_square"]) == (41.6, 24501.7), "squares no longer wrap around"
byte, full = (features([200, 10, 20], dtype) for dtype in (np.uint8, float))
print("uint8", byte, "float64", full)
assert (byte["mean_change"], full["mean_change"]) == (38, -90), "differences no longer wrap around"
assert (byte["absolute_sum_of_changes"], full["absolute_sum_of_changes"]) == (76, 200)
PY
