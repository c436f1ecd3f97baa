#!/usr/bin/env bash
# tinygrad makes -807049216 of 1700000000000, a time in milliseconds, when it comes in a list.
#
# Versions: tinygrad 0.14.0, numpy 2.4.6.
# One would guess: `Tensor([1700000000000])` holds the number, as int64 as NumPy's and PyTorch's, or is refused.
# What happens: a list of integers becomes int32, and each number is taken modulo 2**32. No error or warning. The same
#   number in an array of NumPy stays int64.
# Seen: [1700000000000, 1700000000100] becomes [-807049216, -807049116]. 2147483648 becomes -2147483648. From NumPy, and
#   with `dtype=dtypes.int64`, all are right.
# Why it matters: time stamps, ids of episodes and of workers, and hashes are larger than 2**31. Steps of other days may
#   get the same time, an order by time is another, and all times divided by 1,000 are wrong.
# Way round: `Tensor(times, dtype=dtypes.int64)`, or `Tensor(numpy.array(times))`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq tinygrad==0.14.0 numpy==2.4.6
DEV=PYTHON venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
from tinygrad import Tensor, dtypes

print({name: version(name) for name in ("tinygrad", "numpy")})
times = [1_700_000_000_000, 1_700_000_000_100]
seen = Tensor(times)
print(times, "becomes", seen.dtype, seen.numpy().tolist(), "and", 2**31, "becomes", Tensor([2**31]).numpy().tolist())
assert seen.dtype == dtypes.int32 and seen.numpy().tolist() == [-807049216, -807049116], "times in a list are right now"
assert Tensor([2**31]).numpy().tolist() == [-(2**31)], "2**31 is right now"
assert (np.array(times) % 2**32 - 2**32 == seen.numpy()).all()
assert Tensor(np.array(times)).numpy().tolist() == times, "times of NumPy are wrong now"
assert Tensor(times, dtype=dtypes.int64).numpy().tolist() == times, "the way round fails"
PY
