#!/usr/bin/env bash
# MLflow gives two data sets the same digest when they differ after the first 10,000 numbers.
#
# Versions: mlflow 3.17.2, pandas 2.3.3, numpy 2.4.6.
# One would guess: the digest of a data set tells one state of the data from another.
# What happens: the digest covers the first 10,000 numbers of a NumPy array (for 100 columns, 100 rows), the first
#   10,000 rows of a DataFrame, and the shape. Columns of arrays, booleans and times are left out. No warning.
# Seen: a log of 50,000 steps with 20 columns. With all steps after the 500th set to 0: the same digest. A DataFrame
#   with "safe" as booleans: the same digest when every label is turned round.
# Why it matters: the digest is what a run keeps of its data. Data that was corrected, labelled anew or damaged counts
#   as the data that the model was trained on.
# Way round: pass a digest of one's own, `mlflow.data.from_numpy(..., digest=...)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq mlflow==3.17.2 pandas==2.3.3 numpy==2.4.6
export MLFLOW_DISABLE_TELEMETRY=true
venv/bin/python -I -W ignore - <<'PY'
import hashlib
from importlib.metadata import version

import mlflow.data
import numpy as np
import pandas as pd

print({name: version(name) for name in ("mlflow", "pandas", "numpy")})
log = np.random.default_rng(0).normal(size=(50_000, 20))
damaged, early = log.copy(), log.copy()
damaged[500:] = 0
early[499] = 0
arrays = [mlflow.data.from_numpy(one).digest for one in (log, damaged, early)]
steps = pd.DataFrame({"episode": np.arange(1000) // 100, "safe": np.arange(1000) % 3 > 0})
turned = steps.assign(safe=~steps.safe)
frames = [mlflow.data.from_pandas(one).digest for one in (steps, turned, steps.assign(safe=steps.safe.astype(int)))]
print("arrays: as logged, damaged after 500 steps, damaged at 499:", arrays)
print("labels: as given, turned round, as integers:", frames)
assert arrays[0] == arrays[1] != arrays[2], "later rows count now"
assert frames[0] == frames[1] != frames[2], "booleans count now"
own = [mlflow.data.from_numpy(one, digest=hashlib.md5(one.tobytes()).hexdigest()).digest for one in (log, damaged)]
assert own[0] != own[1], "the way round fails"
PY
