#!/usr/bin/env bash
# asammdf writes observations of shape (5, 2) as the first five numbers of the array, one a step.
#
# Versions: asammdf 8.8.28, numpy 2.4.6.
# One would guess: a signal of two-dimensional samples is stored as such, or refused.
# What happens: samples of two dimensions are taken for strings of bytes. The flat numbers are handed out in order,
#   one a time stamp, and the rest is dropped. Only bytes (uint8) come back as they were.
# Seen: [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]] + 0.5 reads back from the file as [0.5, 1.5, 2.5, 3.5, 4.5].
# Why it matters: the second sensor of step 0 stands for the first sensor of step 1. Length, times and type are
#   right, and a plot looks smooth.
# Way round: one signal a column.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq asammdf==8.8.28 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from asammdf import MDF, Signal

print({name: version(name) for name in ("asammdf", "numpy")})
times = np.arange(5) * 0.1
observations = np.arange(10.0).reshape(5, 2) + 0.5


def back(*signals, name="log.mf4"):
    log = MDF()
    log.append(list(signals))
    log.save(name, overwrite=True)
    log.close()
    with MDF(name) as read:
        return [read.get(signal.name).samples.copy() for signal in signals]


(read,) = back(Signal(observations, times, name="obs"))
print("written", observations.tolist(), "read", read.tolist())
assert read.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5], "rows of observations are no longer flattened"
bytes_written = np.arange(10, dtype=np.uint8).reshape(5, 2)
assert np.array_equal(back(Signal(bytes_written, times, name="obs"))[0], bytes_written), "bytes have changed"
columns = back(*(Signal(observations[:, i].copy(), times, name=f"obs_{i}") for i in range(2)))
assert np.array_equal(np.stack(columns, axis=1), observations), "the way round fails"
PY
