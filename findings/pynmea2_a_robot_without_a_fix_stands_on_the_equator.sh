#!/usr/bin/env bash
# pynmea2 gives a robot whose receiver has no fix the position 0 degrees north, 0 degrees east.
#
# Versions: pynmea2 1.19.0.
# One would guess: `latitude` and `longitude` are None or NaN when their fields are empty, as `altitude` and the speed
#   are None then.
# What happens: an empty field is read as 0. Both are the float 0.0, a valid place in the Gulf of Guinea.
# Seen: a drive of five sentences at 52.5 degrees north loses its fix at the third, an ordinary GGA sentence with empty
#   fields. Positions are 52.5, 52.5, 0.0, 52.5, 52.5; altitudes are 30, 30, None, 30, 30. The mean latitude is 42.
# Why it matters: a cost for leaving the lane counts a jump of 5,800 km at every bridge. A filter on None, which works
#   for the altitude, does not find it, and means move.
# Way round: use a position only where `gps_qual` is above 0 (GGA) or `status` is "A" (RMC).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pynmea2==1.19.0
venv/bin/python -I - <<'PY'
from functools import reduce
from importlib.metadata import version
from operator import xor
from statistics import mean

import pynmea2

print({name: version(name) for name in ("pynmea2",)})


def read(body):
    """The sentence of this text, with its check sum."""
    return pynmea2.parse(f"${body}*{reduce(xor, body.encode()):02X}", check=True)


def position(second, fix):
    place = "5230.000,N,01324.000,E,1,08,0.9,30.0,M,46.9,M,," if fix else ",,,,0,00,,,M,,M,,"
    return read(f"GPGGA,1235{second:02d},{place}")


drive = [position(second, fix=second != 2) for second in range(5)]
latitudes = [one.latitude for one in drive]
altitudes = [one.altitude for one in drive]
print("latitudes", latitudes, "mean", mean(latitudes), "altitudes", altitudes)
assert latitudes == [52.5, 52.5, 0.0, 52.5, 52.5] and drive[2].longitude == 0.0, "a missing fix is no place now"
assert isinstance(latitudes[2], float) and mean(latitudes) == 42
assert altitudes == [30, 30, None, 30, 30]

lost = read("GPRMC,123519,V,,,,,,,230394,,")
print("RMC without a fix", lost.latitude, lost.longitude, "speed", lost.spd_over_grnd)
assert (lost.latitude, lost.longitude) == (0.0, 0.0) and lost.spd_over_grnd is None
assert lost.status == "V" and [one.gps_qual > 0 for one in drive] == [True, True, False, True, True]
PY
