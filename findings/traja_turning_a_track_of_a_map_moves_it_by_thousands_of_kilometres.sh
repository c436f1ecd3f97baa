#!/usr/bin/env bash
# traja's `rotate` turns a track about a point that is not its middle: 40 m of track on a map move by 8,200 km.
#
# Versions: traja 25.0.1, pandas 2.3.3, scikit-learn 1.9.1, scipy 1.14.1, numpy 2.1.3.
# One would guess: without an origin a track turns about its middle, or about (0, 0), and against the clock.
# What happens: the origin is half of the extent, (max - min) / 2. That is the middle only for a track that begins at
#   (0, 0) with its smallest numbers. The angle counts with the clock. The origin left out is not described.
# Seen: 40 m of road at x = 500,000 m, y = 5,800,000 m are turned by a right angle. They lie at x = 5,800,020 m and
#   y = -500,000 m then. Turned by one degree the middle moves 102 km. The same 40 m beginning at (0, 0) keep theirs.
# Why it matters: tracks are turned to make more of them for training, and zones of danger stay where they are. Tracks
#   that begin elsewhere leave every zone, and cost nothing.
# Way round: `origin=((x.min() + x.max()) / 2, (y.min() + y.max()) / 2)`, and a negative angle to turn left.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq traja==25.0.1 pandas==2.3.3 scikit-learn==1.9.1 scipy==1.14.1 numpy==2.1.3
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import traja

print({name: version(name) for name in ("traja", "pandas", "numpy")})


def moved(x, y, degrees, middle=False):
    """Metres by which the middle of 40 m of straight road moves when it is turned."""
    track = traja.TrajaDataFrame({"x": x + np.arange(0.0, 41.0, 10.0), "y": np.full(5, y), "time": np.arange(5.0)})
    origin = (track.x.min() + track.x.max()) / 2, (track.y.min() + track.y.max()) / 2
    turned = traja.rotate(track, np.radians(degrees), origin=origin if middle else None)
    print(f"from ({x:.0f}, {y:.0f}) by {degrees} degrees, origin {origin if middle else None}:", end=" ")
    print(turned[["x", "y"]].iloc[[0, -1]].to_numpy().round(1).tolist())
    return float(np.hypot(turned.x.mean() - track.x.mean(), turned.y.mean() - track.y.mean())), turned


far, turned = moved(500_000.0, 5_800_000.0, 90)
assert far > 8e6 and turned.y.iloc[-1] < turned.y.iloc[0], "a track of a map stays where it is now"
assert 1e5 < moved(500_000.0, 5_800_000.0, 1)[0] < 1.1e5
assert moved(0.0, 0.0, 90)[0] < 1e-6
assert moved(500_000.0, 5_800_000.0, 90, middle=True)[0] < 1e-6, "the way round fails"
PY
