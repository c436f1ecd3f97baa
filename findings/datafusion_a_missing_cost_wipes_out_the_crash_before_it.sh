#!/usr/bin/env bash
# DataFusion's `max(cost)` by episode is 1 for the costs 25, NaN, 1, and 25 for 1, NaN, 25: what precedes NaN is lost.
#
# Versions: datafusion 55.0.0, pyarrow 26.0.1, numpy 2.4.6.
# One would guess: one answer for all orders of the rows, with NaN left out (25), or above all numbers, as DataFusion
#   sorts it (NaN). Without `GROUP BY`, and as a window, it is the latter: the maximum is NaN and the minimum 1.
# What happens: with `GROUP BY`, a NaN takes the place of the number found so far, and the next number takes that of
#   NaN. So both `min` and `max` are those of the rows after the last NaN, and NaN if there are none.
# Seen: least and largest cost of an episode of 25, NaN, 1: grouped 1 and 1, else 1 and NaN. 1, NaN, 25: grouped 25
#   and 25. 1, 25, NaN: grouped NaN and NaN. NaN, 1, 25: grouped 1 and 25.
# Why it matters: the worst step of each episode is what limits are compared with. A crash counts for nothing once a
#   sensor fails after it, and a quiet episode has a least cost of 25. The answer depends on how rows lie in the file.
# Way round: `max(CASE WHEN NOT isnan(cost) THEN cost END)`, and count the NaN on their own.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq datafusion==55.0.0 pyarrow==26.0.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version
from itertools import permutations

import numpy as np
import pyarrow as pa
from datafusion import SessionContext

print({name: version(name) for name in ("datafusion", "pyarrow", "numpy")})
AS_KNOWN = "min(CASE WHEN NOT isnan(cost) THEN cost END) low, max(CASE WHEN NOT isnan(cost) THEN cost END) high"


def ask(costs, select, rest):
    """Least and largest cost of episode 0; episode 1 has costs of 2 only."""
    context = SessionContext()
    table = pa.table({"episode": [0] * 3 + [1] * 3, "step": [0, 1, 2] * 2, "cost": [*costs, 2.0, 2.0, 2.0]})
    context.register_record_batches("steps", [table.to_batches()])
    answer = context.sql(f"SELECT {select} FROM steps {rest}").to_pydict()
    return answer["low"][0], answer["high"][0]


for costs in permutations([1.0, np.nan, 25.0]):
    plain, by_episode = "min(cost) low, max(cost) high", "GROUP BY episode ORDER BY episode"
    grouped = ask(costs, plain, by_episode)
    alone = ask(costs, plain, "WHERE episode = 0")
    over = "OVER (PARTITION BY episode)"
    window = ask(costs, f"min(cost) {over} low, max(cost) {over} high", "ORDER BY episode LIMIT 1")
    print("costs", costs, "grouped", grouped, "alone", alone, "window", window)
    after = [cost for cost in costs[1 + [np.isnan(cost) for cost in costs].index(True):]]
    expected = (min(after), max(after)) if after else (np.nan, np.nan)
    assert np.array_equal(grouped, expected, equal_nan=True), "grouped costs before NaN count now"
    assert np.array_equal(alone, (1, np.nan), equal_nan=True) and np.array_equal(window, alone, equal_nan=True)
    assert ask(costs, AS_KNOWN, by_episode) == (1, 25) == (np.nanmin(costs), np.nanmax(costs)), "the way round fails"
PY
