#!/usr/bin/env bash
# trajdata's histograms of acceleration take a car that brakes for one that speeds up, or that slides to the side.
#
# Versions: trajdata 1.4.0, torch 2.13.0, pandas 3.0.6, numpy 2.4.6.
# One would guess: longitudinal is along the car, and below zero when it brakes. Lateral is across the car.
# What happens: both take the length of the acceleration, which has no sign, times the cosine or sine of the heading in
#   the map. The direction of the acceleration is not used at all. Nothing in the code or README says what the two mean.
# Seen: a car that brakes with 8 m/s2 on a straight road has a longitudinal acceleration of +8 when it drives east, of 0
#   when it drives north (with a lateral one of 8), and of -8 when it drives west. One that speeds up with 8 gets the
#   very same numbers. `calc_stats` calls the brake to the east speeding up as well.
# Why it matters: hard braking is the usual sign of a near miss. A simulator is called realistic when its histograms are
#   those of the logs: they agree when the roads do, whether cars brake or not.
# Way round: `ax * cos(heading) + ay * sin(heading)`, and `ay * cos(heading) - ax * sin(heading)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 pandas==3.0.6 pyarrow==26.0.1 scipy==1.17.1 matplotlib==3.11.2 dill==0.4.1 \
  tqdm==4.70.1 kornia==0.9.0 zarr==3.1.6 shapely==2.2.0 protobuf==3.20.3 opencv-python-headless==5.0.0.93 numpy==2.4.6
venv/bin/pip install -qq --no-deps trajdata==1.4.0
MPLBACKEND=agg venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
import torch
from trajdata.simulation.sim_stats import LateralAccHistogram, LongitudinalAccHistogram, calc_stats

print({name: version(name) for name in ("trajdata", "torch", "pandas", "numpy")})
EDGES = [-10, -5, -1, 1, 5, 10]
NAMES = ("hard braking", "braking", "steady", "faster", "much faster")
STEPS, TICK = 10, 0.1


def drive(heading, acceleration):
    """A car on a straight road with this heading, as trajdata keeps it."""
    along = np.array([np.cos(heading), np.sin(heading)])
    speed = 20 + acceleration * TICK * np.arange(STEPS)
    rows = pd.DataFrame({"agent_id": "car", "scene_ts": range(STEPS), "heading": heading})
    rows[["vx", "vy"]], rows[["ax", "ay"]] = np.outer(speed, along), acceleration * along
    return rows.set_index(["agent_id", "scene_ts"])


def kinds(counts):
    return {name: int(count) for name, count in zip(NAMES, counts) if count}


seen = {}
for place, heading in (("east", 0), ("north", np.pi / 2), ("west", np.pi)):
    for what, acceleration in (("brakes", -8), ("speeds up", 8)):
        rows = drive(heading, acceleration)
        along = kinds(LongitudinalAccHistogram(EDGES)(rows)[0])
        across = kinds(LateralAccHistogram(EDGES)(rows)[0])
        turned = rows["ax"] * np.cos(rows["heading"]) + rows["ay"] * np.sin(rows["heading"])
        seen[place, what] = along, across
        print(place, what, "longitudinal", along, "lateral", across)
        right = {"hard braking": STEPS} if acceleration < 0 else {"much faster": STEPS}
        assert kinds(np.histogram(turned, EDGES)[0]) == right, "the way round fails"
    assert seen[place, "brakes"] == seen[place, "speeds up"], "the direction counts now"
assert seen["east", "brakes"] == ({"much faster": STEPS}, {"steady": STEPS}), "east is another now"
assert seen["north", "brakes"] == ({"steady": STEPS}, {"much faster": STEPS}), "north is another now"
assert seen["west", "brakes"] == ({"hard braking": STEPS}, {"steady": STEPS}), "west is another now"

times = TICK * torch.arange(STEPS)
places = torch.stack([20 * times - 4 * times**2, torch.zeros(STEPS)], dim=-1)[None]
edges = {"velocity": torch.tensor([0.0, 30.0]), "jerk": torch.tensor([-1e3, 1e3])}
edges |= {name: torch.tensor(EDGES, dtype=torch.float32) for name in ("lon_accel", "lat_accel")}
counts = calc_stats(places, torch.zeros(1, STEPS, 1), TICK, edges)["lon_accel"].hist.tolist()
print("calc_stats, east, brakes", kinds(counts))
assert "much faster" in kinds(counts) and "hard braking" not in kinds(counts), "calc_stats is another now"
PY
