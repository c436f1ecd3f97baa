#!/usr/bin/env bash
# GeographicLib gives a robot that stands still a heading of 180 degrees in Europe, and of 0 in Australia.
#
# Versions: geographiclib 2.1, pyproj 3.7.2.
# One would guess: NaN, or 0 as `atan2(0, 0)` gives, and the same everywhere.
# What happens: every heading fits two equal points. The one returned is that of a limit, which is south for latitudes
#   from 0 up, and north below. pyproj's `Geod.inv` does the same, as it is a port of it.
# Seen: azimuths of 180 at 48 degrees north and at the equator, and of 0 at 33 degrees south, with a distance of 0.
# Why it matters: headings are taken from two fixes one after the other. A robot in the north that waits turns south
#   and back in the log at every stop, one in the south turns north: jerks and turns that nobody drove.
# Way round: keep the heading before wherever the distance is 0, or below the noise of the receiver.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq geographiclib==2.1 pyproj==3.7.2
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

from geographiclib.geodesic import Geodesic
from pyproj import Geod

print({name: version(name) for name in ("geographiclib", "pyproj")})
geod = Geod(ellps="WGS84")
for latitude, longitude, heading in ((48.0, 9.0, 180), (0.0, 9.0, 180), (-33.0, 151.0, 0)):
    line = Geodesic.WGS84.Inverse(latitude, longitude, latitude, longitude)
    forward, _, distance = geod.inv(longitude, latitude, longitude, latitude)
    print(latitude, longitude, "azimuths", line["azi1"], line["azi2"], "pyproj", forward, "distance", line["s12"])
    assert line["s12"] == distance == 0
    assert line["azi1"] == line["azi2"] == heading and abs(forward) == heading, "the heading has changed"

# A robot that drives east, waits, and drives on.
longitudes = [9.0, 9.00001, 9.00002, 9.00002, 9.00003]
headings = [
    round(Geodesic.WGS84.Inverse(48.0, one, 48.0, two)["azi1"]) for one, two in zip(longitudes, longitudes[1:])
]
print("east, with a stop:", headings)
assert headings == [90, 90, 180, 90], "a stop is no longer a turn to the south"
PY
