#!/usr/bin/env bash
# rosbags writes the integers 1, 2, 3 into a float64 message as 5e-324, 1e-323 and 1.5e-323.
#
# Versions: rosbags 0.11.9, numpy 2.4.6.
# One would guess: an integer array given for `float64[]` is converted, or refused, as float32 is.
# What happens: the bytes are written as they are, and an int64 has as many as a float64. Nothing is
#   checked but the size.
# Seen: Float64MultiArray with np.array([1, 2, 3]) reads back as numbers that print as 0.0 when rounded.
#   float32 is refused with a ValueError.
# Why it matters: actions of a discrete policy, one-hot codes and costs are integer arrays. A bag made from
#   a log has the right shapes, and zeros.
# Way round: `.astype(np.float64)` on every array of a message.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq rosbags==0.11.9 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
from rosbags.typesys import Stores, get_typestore

print({name: version(name) for name in ("rosbags", "numpy")})
store = get_typestore(Stores.ROS2_HUMBLE)
Array, Layout = (store.types[f"std_msgs/msg/{name}"] for name in ("Float64MultiArray", "MultiArrayLayout"))


def back(values):
    message = Array(layout=Layout(dim=[], data_offset=0), data=values)
    return store.deserialize_cdr(store.serialize_cdr(message, Array.__msgtype__), Array.__msgtype__).data


read = back(np.array([1, 2, 3]))
print("written [1 2 3], read", read)
assert np.array_equal(read.view(np.int64), [1, 2, 3]), "the bytes are no longer kept"
assert np.all(np.abs(read) < 1e-300), "integers are now converted"
try:
    back(np.array([1, 2, 3], np.float32))
except ValueError:
    pass
else:
    raise AssertionError("float32 is no longer refused")
assert np.array_equal(back(np.array([1, 2, 3]).astype(np.float64)), [1, 2, 3]), "the way round fails"
PY
