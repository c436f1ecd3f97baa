#!/usr/bin/env bash
# LeRobot's 99% quantile of a dataset is the mean of its episodes' 99% quantiles.
#
# Versions: lerobot 0.4.4 (0.6.1 does the same), numpy 2.4.6.
# One would guess: 99% of a dataset's values lie below its q99, or nearly so, since it is an approximation.
# What happens: `aggregate_stats` averages each quantile over the episodes, weighted by their length. Mean, standard
#   deviation, minimum and maximum are those of all steps.
# Seen: nine episodes with actions about 0 and one about 10, 100 steps each: q01 to q99 is .73 to 1.21, where no action
#   lies at all. NumPy has -.24 to 10.08. The median is .99 for .01.
# Why it matters: normalisation by quantiles maps q01 and q99 to -1 and 1. The nine usual episodes lie about -4, and
#   the one that swerves about 37, where a policy that clips cannot go.
# Way round: `np.quantile` over all steps, written into `stats.json`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq numpy==2.4.6
venv/bin/pip install -qq --no-deps lerobot==0.4.4 # its module of statistics needs NumPy, and a reader of pictures
venv/bin/python -I -W error - <<'PY'
import sys
from importlib.metadata import version
from types import SimpleNamespace

import numpy as np

sys.modules["lerobot.datasets.utils"] = SimpleNamespace(load_image_as_numpy=None)  # would import torchvision
from lerobot.datasets.compute_stats import aggregate_stats, get_feature_stats

print({name: version(name) for name in ("lerobot", "numpy")})
generator = np.random.default_rng(0)
episodes = [centre + 0.1 * generator.normal(size=(100, 1)) for centre in [0.0] * 9 + [10.0]]
actions = np.concatenate(episodes)
whole = aggregate_stats([{"action": get_feature_stats(one, axis=0, keepdims=False)} for one in episodes])["action"]
seen = {name: round(whole[name].item(), 2) for name in ("q01", "q50", "q99", "mean", "std")}
truth = [round(float(np.quantile(actions, q)), 2) for q in (0.01, 0.5, 0.99)]
inside = int(((actions > whole["q01"]) & (actions < whole["q99"])).sum())
print("LeRobot", seen, "NumPy's q01, q50, q99", truth, "actions between q01 and q99:", inside, "of", len(actions))
normal = 2 * (actions - whole["q01"]) / (whole["q99"] - whole["q01"]) - 1
print("normalised", np.round([normal[:900].mean(), normal[900:].mean()], 1).tolist())
assert np.isclose(whole["mean"], actions.mean()) and np.isclose(whole["std"], actions.std())
assert seen["q99"] < 2 < 10 < truth[2] and seen["q50"] > 0.9 > 0.1 > truth[1], "the quantiles are those of the dataset"
assert inside == 0, "the quantiles are those of the dataset"
PY
