#!/usr/bin/env bash
# pandas `sort_values("episode")` changes the order of the steps within each episode.
#
# Versions: pandas 3.1.1, polars 2.1.0 and pyarrow 26.0.1 (to compare), numpy 2.4.6.
# One would guess: rows of one episode stay in their order, as with Python's `sorted`, Polars and pyarrow.
# What happens: the default is an unstable sort. Sorting by two columns is stable, and then nothing is lost.
# Seen: 10,000 rows of two interleaved episodes. After sorting, steps of episode 0 are out of order in
#   pandas, in order in Polars and pyarrow.
# Why it matters: order is time. Next states, segments and sums to go are taken from the wrong rows.
# Way round: `kind="stable"`, or sort by episode and step.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

print({name: version(name) for name in ("pandas", "polars", "pyarrow", "numpy")})
def in_order(table):
    return bool((np.diff(np.asarray(table["step"])[np.asarray(table["episode"]) == 0]) > 0).all())


def log(rows):
    return pd.DataFrame({"episode": np.tile([0, 1], rows // 2), "step": np.arange(rows)})


long = log(10_000)
found = {
    "pandas": in_order(long.sort_values("episode")),
    "polars": in_order(pl.DataFrame(long.to_dict("list")).sort("episode")),
    "pyarrow": in_order(pa.table(long.to_dict("list")).sort_by("episode")),
}
print("in order:", found)
assert not found["pandas"], "pandas now keeps the order"
assert found["polars"] and found["pyarrow"]
assert in_order(long.sort_values("episode", kind="stable")), "the way round fails"
assert in_order(long.sort_values(["episode", "step"])), "the way round fails"
PY
