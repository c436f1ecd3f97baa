#!/usr/bin/env bash
# Rerun's reader returns only the last episode when the steps of a recording begin again at 0.
#
# Versions: rerun-sdk 0.41.0, numpy 2.4.6.
# One would guess: every `log` call is a row. The documentation of `set_time` allows times to go backwards.
# What happens: the recording holds all calls. A reader returns one row a value of its index, and of several calls
#   at one value the last wins, whatever the other time lines say. With the index `episode`, the last step is left.
# Seen: two episodes of three steps, rewards 0, 1, 2 and 10, 11, 12. By `step` the reader gives 10, 11, 12; by
#   `episode` 2 and 12; by the time of the calls all six.
# Why it matters: a loop over episodes with `set_time("step", sequence=step)` is the obvious logger. A dataset or a
#   mean return made from it has lost all episodes but one, without a sign.
# Way round: one recording an episode, or an index that never repeats (the step since the start of the log).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq "rerun-sdk[catalog]==0.41.0" numpy==2.4.6
venv/bin/python -I -W error::UserWarning - <<'PY'
from importlib.metadata import version

import rerun as rr
from rerun.server import Server

print({name: version(name) for name in ("rerun-sdk", "numpy")})
recording = rr.RecordingStream("log", recording_id="two_episodes")
recording.save("log.rrd")
for total in range(6):
    recording.set_time("episode", sequence=total // 3)
    recording.set_time("step", sequence=total % 3)
    recording.set_time("total", sequence=total)
    recording.log("reward", rr.Scalars(10.0 * (total // 3) + total % 3))
recording.flush()
recording.disconnect()

read = {}
with Server(datasets={"log": ["log.rrd"]}) as server:
    dataset = server.client().get_dataset("log")
    for index in ("step", "episode", "total"):
        column = dataset.reader(index=index).to_pydict()["/reward:Scalars:scalars"]
        read[index] = sorted(value for (value,) in column)
        print("by", index, read[index])
assert read["step"] == [10, 11, 12], "earlier episodes are now returned"
assert read["episode"] == [2, 12], "earlier steps are now returned"
assert read["total"] == [0, 1, 2, 10, 11, 12], "the way round fails"
PY
