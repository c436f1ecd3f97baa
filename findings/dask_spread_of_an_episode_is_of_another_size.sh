#!/usr/bin/env bash
# Dask gives the positions of a robot that moves by a centimetre a deviation of 0, 7 or 10 centimetres, by the episode.
#
# Versions: dask 2026.8.0, pandas 2.3.3, pyarrow 26.0.1, numpy 2.4.6.
# One would guess: `groupby("episode").std()` gives what pandas gives, and what Dask's own `std` of a column gives.
# What happens: by group, Dask subtracts the square of the sum from the sum of the squares. Far from zero the digits are
#   lost. A variance below zero becomes 0 by `std`, and NaN by `agg`. Without groups, the formula is another one.
# Seen: five episodes of 200 positions about 5,800,000 m, a map coordinate, with a deviation of 0.01. pandas: 0.009 to
#   0.010. Dask by episode: 0.100, 0.0, 0.071, 0.071, 0.071. Dask for the column: 0.010. Unix times with a deviation of
#   1 s: 0.0, 0.0, 31.4, 18.1, 0.0.
# Why it matters: observations are scaled by their deviation, sensors that stand still are found by it, and jitter of a
#   clock is measured by it. Here it is noise.
# Way round: subtract a constant first, such as the column's mean.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq dask==2026.8.0 pandas==2.3.3 pyarrow==26.0.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import dask.dataframe as dd
import numpy as np
import pandas as pd

print({name: version(name) for name in ("dask", "pandas", "pyarrow", "numpy")})
rng = np.random.default_rng(0)


def spreads(table):
    lazy = dd.from_pandas(table, npartitions=4)
    by_episode = lazy.groupby("episode").x.std().compute().sort_index()
    return table.groupby("episode").x.std().to_numpy(), by_episode.to_numpy(), float(lazy.x.std().compute())


for name, offset, deviation in (("map", 5.8e6, 0.01), ("clock", 1.7e9, 1.0)):
    table = pd.DataFrame({"episode": np.repeat(np.arange(5), 200), "x": offset + rng.normal(0, deviation, 1000)})
    right, wrong, whole = spreads(table)
    print(name, "pandas", right.round(4), "Dask", wrong.round(4), "Dask without groups", round(whole, 4))
    assert abs(whole / deviation - 1) < 0.1 and (abs(right / deviation - 1) < 0.2).all()
    assert (abs(wrong / deviation - 1) > 0.5).any(), "Dask's deviation by group is right now"
    near = spreads(table.assign(x=table.x - offset))
    assert np.allclose(near[0], near[1]), "the way round fails"
PY
