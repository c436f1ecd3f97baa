#!/usr/bin/env bash
# OSRL's `SequenceDataset(pf_only=True)` prints that it uses the Pareto frontier only, and uses all episodes.
#
# Versions: osrl-lib 0.1.0, torch 2.13.0, scipy 1.17.1, numpy 2.4.6.
# One would guess: `pf_only` ("whether to use only Pareto frontier data points") leaves the other episodes out.
# What happens: the best episodes are selected, and the selection is overwritten with all episodes a few lines
#   below. A banner of 100 stars says the opposite.
# Seen: four episodes, two with cost 0 and rewards 1 and 9, two with cost 30 and rewards 2 and 20. The frontier
#   has two; the dataset has four, in both settings, and samples from all four.
# Why it matters: an ablation "frontier only" repeats the run without it. A table then says that the choice of
#   data makes no difference.
# Way round: `dataset.dataset = select_optimal_trajectory(dataset.original_data, ...)` after construction.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 scipy==1.17.1 numpy==2.4.6 tqdm==4.70.1 pyyaml==6.0.4
venv/bin/pip install -qq --no-deps osrl-lib==0.1.0 # its pins of torch 1.13 and scipy 1.10 are not needed here
venv/bin/python -I - 2>log <<'PY'
from importlib.metadata import version
from itertools import islice

import numpy as np
from osrl.common.dataset import SequenceDataset, select_optimal_trajectory

print({name: version(name) for name in ("osrl-lib", "torch", "scipy", "numpy")})
episode = np.repeat(np.arange(4), 30)
log = {
    "observations": episode[:, None].astype(float),
    "actions": np.zeros((120, 1)),
    "rewards": np.array([1.0, 9.0, 2.0, 20.0])[episode] / 30,
    "costs": np.array([0.0, 0.0, 1.0, 1.0])[episode],
    "terminals": np.arange(120) % 30 == 29,
    "timeouts": np.zeros(120, bool),
}


def drawn(dataset):
    return sorted({int(sample[0][0, 0]) for sample in islice(dataset, 200)})


np.random.seed(0)
frontier_only, everything = (SequenceDataset(log, pf_only=only, npb=1) for only in (True, False))
frontier = select_optimal_trajectory(everything.original_data, cost_bins=60, max_num_per_bin=1)
names = [int(one["observations"][0, 0]) for one in frontier]
print("frontier", names, "drawn with pf_only", drawn(frontier_only), "without", drawn(everything))
assert names == [1, 3]
assert len(frontier_only.dataset) == 4 and drawn(frontier_only) == drawn(everything) == [0, 1, 2, 3], "a selection"
frontier_only.dataset = frontier
assert drawn(frontier_only) == [1, 3], "the way round fails"
PY
