#!/usr/bin/env bash
# av2 puts the left edge of a lane on its right where the lane runs exactly east, north or south.
#
# Versions: av2 0.3.6, shapely 2.2.0, matplotlib 3.11.2, scipy 1.17.1, numpy 2.4.6.
# One would guess: the left edge is on the left for every heading, and the polygon of a lane holds the lane.
# What happens: the sides are sorted by the signs of dx and dy, and a sign of zero is in none of the cases. A lane that
#   turns through east has one such point, and its polygon crosses itself there. `get_double_polylines` and
#   `centerline_to_polygon` (called a rough polygon of the lane's area, of 3.8 m in width) say nothing of it.
# Seen: of 24 straight lanes, 15 degrees apart, those to 0, 90 and 270 degrees have their edges exchanged. A lane
#   through a valley is twisted at its lowest point: a robot one metre beside the middle is off the lane in 21 places of
#   202, and the area is 314 square metres in place of 390.
# Why it matters: a cost for leaving the lane is paid by a robot in its lane. Simulated roads run due east and north.
# Way round: `shapely.LineString(lane).buffer(1.9, cap_style="flat")`, and its `offset_curve` for the edges.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq shapely==2.2.0 matplotlib==3.11.2 scipy==1.17.1 universal-pathlib==0.3.10 numpy==2.4.6
venv/bin/pip install -qq --no-deps av2==0.3.6
MPLBACKEND=agg venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from av2.geometry.polyline_utils import centerline_to_polygon, get_double_polylines
from shapely import LineString, Polygon

print({name: version(name) for name in ("av2", "shapely", "matplotlib", "scipy", "numpy")})


def sides(lane, edge):
    """1 where the edge is left of the lane, -1 where it is right."""
    along, across = np.gradient(lane, axis=0), edge - lane
    return np.sign(along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0])


def straight(degrees):
    angle = np.radians(degrees)
    return np.round(np.outer([0, 10, 20], [np.cos(angle), np.sin(angle)]), 6)


lanes = {degrees: straight(degrees) for degrees in range(0, 360, 15)}
left = {degrees: sides(lane, get_double_polylines(lane, 1)[0]) for degrees, lane in lanes.items()}
exchanged = [degrees for degrees, side in left.items() if np.all(side == -1)]
print("headings with the left edge on the right", exchanged)
assert exchanged == [0, 90, 270], "other headings have their edges exchanged now"
assert sum(np.all(side == 1) for side in left.values()) == 21, "not all other headings are right"

x = np.arange(0, 101, 10.0)
valley = np.stack([x, 0.004 * (x - 50) ** 2], axis=1)
polygon, band = Polygon(centerline_to_polygon(valley)), LineString(valley).buffer(1.9, cap_style="flat")
beside = LineString(valley).offset_curve(1.0)
places = [beside.interpolate(metre) for metre in np.arange(0.5, beside.length - 0.5, 0.5)]
outside = {name: sum(not shape.contains(place) for place in places)
           for name, shape in (("av2", polygon), ("buffer", band))}
print("places", len(places), "off the lane", outside, "areas", round(polygon.area), round(band.area))
print("sides of the left edge", sides(valley, get_double_polylines(valley, 1)[0]))
assert not polygon.is_valid and len(places) == 202 and outside["av2"] == 21, "the polygon is another now"
assert round(polygon.area) == 314 and round(band.area) == 390
assert outside["buffer"] == 0 and band.is_valid, "the way round fails"

slope = valley + np.outer(x, [0, 1])  # never due east: all is well
polygon = Polygon(centerline_to_polygon(slope))
assert polygon.is_valid and np.all(sides(slope, get_double_polylines(slope, 1)[0]) == 1), "a slope is twisted too"
PY
