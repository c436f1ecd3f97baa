#!/usr/bin/env bash
# Rerun cuts the steps 0.5 and 1.5 of a list to 0 and 1, and its reader then loses every second row.
#
# Versions: rerun-sdk 0.41.0, numpy 2.4.6.
# One would guess: `TimeColumn(sequence=...)`, the columnar equivalent of `set_time` by its documentation, refuses
#   fractions as `set_time` does.
# What happens: an array of fractions is refused, a list of them is cut to integers. Rows that fall on one step
#   replace each other in the reader.
# Seen: rewards 0, 1, 2, 3 at the steps 0, 0.5, 1, 1.5: the reader returns rewards 1 and 3 at the steps 0 and 1.
#   The same numbers as a NumPy array, and `set_time("step", sequence=0.5)`, raise errors.
# Why it matters: seconds from a CSV or JSON file, or steps divided by a frame skip, are valid numbers. Half of the
#   log is gone and the rest is moved, without a warning, even in strict mode.
# Way round: `duration=` for seconds, and integers for steps.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq "rerun-sdk[catalog]==0.41.0" numpy==2.4.6
venv/bin/python -I -W error::UserWarning - <<'PY'
from importlib.metadata import version

import numpy as np
import rerun as rr
from rerun.server import Server

print({name: version(name) for name in ("rerun-sdk", "numpy")})
rr.set_strict_mode(True)
times = [0.0, 0.5, 1.0, 1.5]


def send(name, column):
    recording = rr.RecordingStream("log", recording_id=name)
    recording.save(f"{name}.rrd")
    recording.send_columns("reward", indexes=[column], columns=rr.Scalars.columns(scalars=np.arange(4.0)))
    recording.flush()
    return recording


def rows(dataset, index):
    table = dataset.reader(index=index).to_pydict()
    return sorted((time, reward[0]) for time, reward in zip(table[index], table["/reward:Scalars:scalars"]))


send("cut", rr.TimeColumn("step", sequence=times)).disconnect()
send("kept", rr.TimeColumn("seconds", duration=times)).disconnect()
with Server(datasets={name: [f"{name}.rrd"] for name in ("cut", "kept")}) as server:
    cut = rows(server.client().get_dataset("cut"), "step")
    kept = rows(server.client().get_dataset("kept"), "seconds")
print("sent at", times, "read", cut)
assert cut == [(0, 1), (1, 3)], "fractions of steps are no longer cut"
assert [reward for _, reward in kept] == [0, 1, 2, 3], "the way round fails"
try:
    rr.TimeColumn("step", sequence=np.array(times))
    raise SystemExit("an array of fractions is no longer refused")
except ValueError as error:
    print("array:", error)
try:
    rr.set_time("step", sequence=0.5, recording=rr.RecordingStream("other"))
    raise SystemExit("set_time no longer refuses fractions")
except TypeError as error:
    print("set_time:", error)
PY
