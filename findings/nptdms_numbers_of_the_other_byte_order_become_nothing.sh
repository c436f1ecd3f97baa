#!/usr/bin/env bash
# npTDMS writes speeds of 0.5 to 30 m/s as 5e-320 and less when their array has the other byte order.
#
# Versions: npTDMS 1.13.0, numpy 2.4.6.
# One would guess: an array of NumPy says in its type how its bytes lie, so its numbers are written, or it is refused.
# What happens: the type is looked up without the byte order, the bytes are written as they lie, and the file says that
#   they lie the other way. No error or warning. The docstring asks for a one-dimensional array, and no more.
# Seen: big-endian speeds 0, 0.5, 12.5, 30 are read back as 0, 2.8e-319, 5.2e-320, 7.9e-320, and counts 0, 1, 25 as 0,
#   16777216, 419430400. The same numbers in the order of the machine are right.
# Why it matters: arrays of netCDF 3, FITS, XDR and of many loggers and network protocols are big-endian. The robot then
#   stood still all day, with no NaN that a check would find.
# Way round: `speeds.astype(speeds.dtype.newbyteorder("="))`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq npTDMS==1.13.0 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from nptdms import ChannelObject, TdmsFile, TdmsWriter

print({name: version(name) for name in ("npTDMS", "numpy")})
assert sys.byteorder == "little"


def through_a_file(**channels):
    with TdmsWriter("drive.tdms") as writer:
        writer.write_segment([ChannelObject("drive", name, data) for name, data in channels.items()])
    return [TdmsFile.read("drive.tdms")["drive"][name][:] for name in channels]


speed = np.frombuffer(np.array([0, 0.5, 12.5, 30], ">f8").tobytes(), ">f8")
count = np.array([0, 1, 25], ">i4")
assert speed.tolist() == [0, 0.5, 12.5, 30] and speed.mean() == 10.75
seen_speed, seen_count = through_a_file(speed=speed, count=count)
print("speeds", seen_speed.tolist(), "counts", seen_count.tolist())
assert seen_speed[0] == 0 and 0 < seen_speed[1:].max() < 1e-300, "the speeds are right now"
assert seen_count.tolist() == [0, 16777216, 419430400], "the counts are right now"
native = [array.astype(array.dtype.newbyteorder("=")) for array in (speed, count)]
right_speed, right_count = through_a_file(speed=native[0], count=native[1])
assert right_speed.tolist() == speed.tolist() and right_count.tolist() == count.tolist(), "the way round fails"
PY
