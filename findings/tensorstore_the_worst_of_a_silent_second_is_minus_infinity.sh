#!/usr/bin/env bash
# TensorStore's largest cost of a second without any is minus infinity, and its median depends on where NaN stands.
#
# Versions: tensorstore 0.1.84, numpy 2.4.6.
# One would guess: `downsample` treats NaN in one way, and gives NaN for a block of nothing but NaN.
# What happens: `max` and `min` skip NaN and start from -inf and inf, which stay if there is nothing else. `mean` is NaN
#   when one value is. `median` and `mode` compare with NaN while they sort, so the place of NaN decides. The docs of
#   each method say which value it takes, that of `median` "always a value present", and do not name NaN.
# Seen: four steps a block. For [3, NaN, 1, 2] `max` is 3; for four NaN it is -inf, and `min` inf. The median of 1, 2,
#   3, NaN is 2 if NaN is first or second, and NaN if it is last.
# Why it matters: logs of sensors and costs are thinned out in this way for views and for training. A second in which
#   the sensor was silent is below every limit on the largest cost, with a number that is not NaN, so checks pass it.
# Way round: `mean` beside it, which is NaN wherever one value was, or a count of NaN.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq tensorstore==0.1.84 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
import tensorstore as ts

print({name: version(name) for name in ("tensorstore", "numpy")})
nan = np.nan
costs = np.array([[nan, 3, 1, 2], [3, nan, 1, 2], [3, 1, 2, nan], [nan, nan, nan, nan], [0, 1, 2, 3]])
spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": "log.zarr"}}
log = ts.open(spec, create=True, dtype=ts.float64, shape=[costs.size]).result()
log[...] = costs.ravel()
seen = {}
for method in ("max", "min", "mean", "median", "mode"):
    seen[method] = ts.downsample(log, [4], method).read().result()
    print(method, seen[method].tolist())
limit = 1.0
print("seconds below the limit", (seen["max"] < limit).tolist())
assert seen["max"].tolist() == [3, 3, 3, -np.inf, 3], "a silent second has another largest cost"
assert seen["min"].tolist() == [1, 1, 1, np.inf, 0], "a silent second has another smallest cost"
assert np.isnan(seen["mean"]).tolist() == [True, True, True, True, False], "the mean skips NaN now"
assert np.isnan(seen["median"]).tolist() == [False, False, True, True, False], "the median treats NaN in one way now"
assert np.isnan(seen["mode"]).tolist() == [True, False, False, True, False], "the mode treats NaN in one way now"
assert np.flatnonzero(seen["max"] < limit).tolist() == [3]
known = np.where(np.isnan(seen["mean"]), nan, seen["max"])
assert np.isnan(known[:4]).all() and known[4] == 3, "the way round fails"
PY
