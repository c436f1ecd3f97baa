#!/usr/bin/env bash
# msgpack-numpy drops the mask of an array: a missing cost comes back as -999, or as 1e20 from a column of a table.
#
# Versions: msgpack-numpy 0.4.8, msgpack 1.2.4, numpy 2.4.6.
# One would guess: a masked array is refused, as by other writers, or comes back with its mask.
# What happens: a masked array is an array to the encoder, which writes its numbers and not the mask. Rows that lie
#   together in memory are written as they are, with whatever is under the mask; all others by `tobytes`, which puts the
#   fill value there. Neither is documented.
# Seen: costs 0, missing, 2 with -999 under the mask come back as 0, -999, 2, a mean of -332 where it was 1. The same
#   costs as a column of a table come back as 0, 1e20, 2. They are plain arrays, without a warning.
# Why it matters: masked arrays are what netCDF4 and Astropy hand out, and msgpack is what sends them from robot to
#   server. The mask is lost on the way, and a limit passes -999.
# Way round: send `costs.filled(np.nan)`, or the mask beside the data.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq msgpack-numpy==0.4.8 msgpack==1.2.4 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import msgpack_numpy
import numpy as np

print({name: version(name) for name in ("msgpack-numpy", "msgpack", "numpy")})


def back(values):
    return msgpack_numpy.unpackb(msgpack_numpy.packb(values))


costs = np.ma.masked_equal([0.0, -999.0, 2.0], -999.0)
costs.fill_value = 1e20
table = np.ma.column_stack([costs, [1.0, 2.0, 3.0]])
table.fill_value = 1e20
alone, column = back(costs), back(table[:, 0])
print("sent", costs, "read", alone, type(alone).__name__, "mean", costs.mean(), "->", alone.mean())
print("sent as a column", table[:, 0], "read", column)
assert type(alone) is np.ndarray and alone.tolist() == [0.0, -999.0, 2.0], "the mask is kept now"
assert type(column) is np.ndarray and column.tolist() == [0.0, 1e20, 2.0], "columns are written otherwise now"

kept = back({"data": costs.data, "mask": costs.mask})
again = np.ma.array(kept["data"], mask=kept["mask"])
assert again.mean() == costs.mean() == 1.0, "the way round fails"
assert np.array_equal(back(costs.filled(np.nan)), [0.0, np.nan, 2.0], equal_nan=True), "the way round fails"
assert np.array_equal(back(table.data[:, 1]), [1.0, 2.0, 3.0]), "plain columns have changed"
PY
