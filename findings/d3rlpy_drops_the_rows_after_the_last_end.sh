#!/usr/bin/env bash
# d3rlpy leaves out the rows after the last end of an episode, without a word.
#
# Versions: d3rlpy 2.8.1, torch 2.13.0, numpy 2.4.6.
# One would guess: a log that is cut off in the middle of an episode ends with a shorter episode, or the data
#   are refused.
# What happens: rows become an episode when an end is met. What follows the last one is not stored; a log
#   without any end is refused, so one end is enough to pass.
# Seen: 100 rows with one end at row 9: one episode of 10 steps.
# Why it matters: logs are continuous, and ends are rare events. A drive with one stop at its start loses
#   nine tenths, and the only sign is the number of transitions.
# Way round: set `timeouts` at the last row.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq d3rlpy==2.8.1 torch==2.13.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import warnings

warnings.simplefilter("ignore")
import numpy as np
from d3rlpy.dataset import MDPDataset

print({name: version(name) for name in ("d3rlpy", "torch", "numpy")})
def lengths(**settings):
    rows = np.arange(100, dtype=np.float32)[:, None]
    ends = (np.arange(100) == 9).astype(np.float32)
    data = MDPDataset(rows, np.full((100, 1), 0.5, np.float32), rows, ends, **settings)
    return [len(episode) for episode in data.episodes]


cut = lengths()
print("episodes", cut)
assert cut == [10], "the rows are no longer dropped"
assert lengths(timeouts=(np.arange(100) == 99).astype(np.float32)) == [10, 90], "the way round fails"
PY
