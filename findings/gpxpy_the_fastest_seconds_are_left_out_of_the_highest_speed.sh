#!/usr/bin/env bash
# gpxpy's `max_speed` of a robot that drove 30 m/s for ten seconds is 10 m/s.
#
# Versions: gpxpy 1.6.2.
# One would guess: the maximum of the speeds. Its description says "Maximum speed (m/s) during the segment".
# What happens: steps whose length is far from the mean are taken for faults of the receiver and left out. So are the
#   fastest 5% of the rest. Speeds below 1 km/h count as standing still.
# Seen: 200 s at 10 m/s with ten seconds of 30 m/s: a `max_speed` of 10.0, and 30.0 with `raw=True`. A robot that
#   drives 50 m at 0.25 m/s has moved for 0 s and over 0 m, also with `raw=True`.
# Why it matters: a highest speed is asked for to see whether a limit was kept. A short time of speeding is what this
#   function removes, and an indoor robot never moves.
# Way round: `get_moving_data(raw=True)` for the highest speed, and a `stopped_speed_threshold` in km/h for slow robots.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq gpxpy==1.6.2
venv/bin/python -I - <<'PY'
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

from gpxpy.gpx import GPX, GPXTrack, GPXTrackPoint, GPXTrackSegment

print({"gpxpy": version("gpxpy")})


def track(speeds):
    gpx, path, segment = GPX(), GPXTrack(), GPXTrackSegment()
    gpx.tracks.append(path)
    path.segments.append(segment)
    latitude, time = 48.0, datetime(2026, 1, 1, tzinfo=timezone.utc)
    for speed in [*speeds, 0]:
        segment.points.append(GPXTrackPoint(latitude, 9.0, time=time))
        latitude, time = latitude + speed / 111_195, time + timedelta(seconds=1)
    return gpx


fast = track([10] * 100 + [30] * 10 + [10] * 100)
guessed, raw = fast.get_moving_data(), fast.get_moving_data(raw=True)
print("ten seconds of 30 m/s: max_speed", guessed.max_speed, "raw", raw.max_speed)
assert abs(guessed.max_speed - 10) < 0.1, "the fastest seconds now count"
assert abs(raw.max_speed - 30) < 0.2, "the way round fails"

slow = track([0.25] * 200)
moved, raw = slow.get_moving_data(), slow.get_moving_data(raw=True)
print("200 s at 0.25 m/s:", moved, "length", slow.length_2d())
assert abs(slow.length_2d() - 50) < 0.5
assert moved.moving_time == raw.moving_time == 0 and moved.moving_distance == 0, "slow robots now move"
assert slow.get_moving_data(raw=True, stopped_speed_threshold=0.01).moving_time == 200, "the way round fails"
PY
