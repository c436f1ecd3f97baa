#!/usr/bin/env bash
# Rerun's reader gives a step the time at which its label was added, and all later steps too when it fills.
#
# Versions: rerun-sdk 0.41.0, numpy 2.4.6.
# One would guess: a time line is a column of the log, and `fill_latest_at` fills values that are missing, as its
#   documentation says.
# What happens: a row takes the largest time of all entries of its step. With `fill_latest_at`, an entry that is
#   carried forward brings its time along, over the times that are there.
# Seen: steps 0 to 3 at 0, 0.1, 0.2, 0.3 s; after an hour step 1 is labelled. The reader gives step 1 the time
#   3600 s. Filled, steps 1, 2 and 3 are all at 3600 s.
# Why it matters: labels and costs are joined to logs afterwards. Durations, speeds and sampling rates that are
#   taken from the joined table are those of the annotator.
# Way round: log what comes later without the other time lines (`disable_timeline`).
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


def write(name, label_has_a_time):
    recording = rr.RecordingStream("log", recording_id=name)
    recording.save(f"{name}.rrd")
    for step in range(4):
        recording.set_time("step", sequence=step)
        recording.set_time("clock", duration=0.1 * step)
        recording.log("reward", rr.Scalars(float(step)))
    recording.set_time("step", sequence=1)
    if label_has_a_time:
        recording.set_time("clock", duration=3600.0)
    else:
        recording.disable_timeline("clock")
    recording.log("safe", rr.Scalars(0.0))
    recording.flush()
    recording.disconnect()


def times(dataset, fill):
    rows = dataset.reader(index="step", fill_latest_at=fill).to_pandas().sort_values("step")
    return [round(float(time), 3) for time in rows["clock"].dt.total_seconds()]


write("labelled", True)
write("way_round", False)
with Server(datasets={name: [f"{name}.rrd"] for name in ("labelled", "way_round")}) as server:
    labelled, way_round = (server.client().get_dataset(name) for name in ("labelled", "way_round"))
    for fill in (False, True):
        print("fill_latest_at", fill, times(labelled, fill), "way round", times(way_round, fill))
    assert times(labelled, False) == [0, 3600, 0.2, 0.3], "a label no longer moves its step"
    assert times(labelled, True) == [0, 3600, 3600, 3600], "a label no longer moves the later steps"
    assert times(way_round, True) == [0, 0.1, 0.2, 0.3], "the way round fails"
PY
