#!/usr/bin/env bash
# rosbags gives an empty bag a duration of -292 years, or of 0, by the reader.
#
# Versions: rosbags 0.11.9, numpy 2.4.6.
# One would guess: a bag without messages has no duration: 0, None or an error, the same in all readers.
# What happens: `AnyReader` subtracts an earliest time that stays at its initial value, the largest int64.
#   `rosbag2.Reader` reports 0 for the same bag, and that largest int64 for its first time.
# Seen: duration -9223372036854775807 ns from AnyReader, 0 from Reader; start_time 9223372036854775807.
# Why it matters: a recorder that was started and stopped at once leaves such a bag. Sums of durations become
#   negative, `duration / rate` steps are none, and a filter `duration < limit` keeps the bag.
# Way round: ask `message_count` first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq rosbags==0.11.9 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version
from pathlib import Path

from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import Reader, Writer

print({name: version(name) for name in ("rosbags", "numpy")})
with Writer(Path("bag"), version=9):
    pass
with AnyReader([Path("bag")]) as bag:
    any_duration, count = bag.duration, bag.message_count
    print("AnyReader: messages", count, "start", bag.start_time, "end", bag.end_time, "duration", any_duration)
with Reader(Path("bag")) as bag:
    print("Reader:    messages", bag.message_count, "start", bag.start_time, "end", bag.end_time, "duration", bag.duration)
    assert bag.duration == 0, "the reader of ROS 2 no longer says 0"
    assert bag.start_time == 2**63 - 1, "the first time is no longer the largest integer"
assert any_duration == -(2**63 - 1), "the duration is no longer negative"
print("years:", any_duration / 1e9 / 3600 / 24 / 365.25)
assert count == 0, "the way round fails"
PY
