#!/usr/bin/env bash
# DuckDB's histogram of costs with bins up to 5, 10 and 20 counts two steps of at most 5: both are NaN.
#
# Versions: duckdb 2.0.1, numpy 2.4.6.
# One would guess: NaN is above all numbers, as DuckDB compares and sorts it, so it is counted with what is above the
#   last bin, or it is left out.
# What happens: `histogram(cost, bins)` counts NaN in the lowest bin, wherever it stands, as double or as float. A
#   cost of infinity is above the last bin. `histogram_exact` counts NaN with all other values, and `histogram(cost)`
#   gives it a bin of its own. No error or warning.
# Seen: costs 7, NaN, 12, NaN, 30: 5: 2, 10: 1, 20: 1, inf: 1, and `count(*) FILTER (cost <= 5)` is 0. With bins 5, 10
#   and NaN it is still 2 at 5.
# Why it matters: a sensor that fails gives NaN. The more it fails, the more steps seem to be of the safest kind, and
#   a share of safe steps taken from the histogram goes up. The same question as a filter gives another answer.
# Way round: `histogram(CASE WHEN NOT isnan(cost) THEN cost END, bins)`, which leaves NULL out, and count the NaN.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq duckdb==2.0.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import duckdb
import numpy as np

print({name: version(name) for name in ("duckdb", "numpy")})
costs = [7.0, np.nan, 12.0, np.nan, 30.0]
known = [cost for cost in costs if not np.isnan(cost)]


def ask(what, numbers=costs, kind="DOUBLE"):
    rows = ", ".join(f"('{number}'::{kind})" for number in numbers)
    return duckdb.sql(f"SELECT {what} FROM (VALUES {rows}) steps(cost)").fetchall()[0][0]


right = [sum(low < cost <= high for cost in known) for low, high in zip((-np.inf, 5, 10, 20), (5, 10, 20, np.inf))]
seen = ask("histogram(cost, [5, 10, 20])")
exact = ask("histogram_exact(cost, [7, 12])")
print("bins", seen, "without NaN", right, "exact", exact, "of their own", ask("histogram(cost)"))
print("at most 5:", ask("count(*) FILTER (cost <= 5)"), "above 20:", ask("count(*) FILTER (cost > 20)"),
      "largest", ask("max(cost)"), "NaN > inf", ask("bool_and(cost > 'inf'::DOUBLE)", [np.nan]))
assert list(seen.values()) == [right[0] + 2, *right[1:]] == [2, 1, 1, 1], "NaN is not in the lowest bin now"
assert ask("count(*) FILTER (cost <= 5)") == 0 and ask("count(*) FILTER (cost > 20)") == right[3] + 2 == 3
assert np.isnan(ask("max(cost)")) and ask("bool_and(cost > 'inf'::DOUBLE)", [np.nan])
assert list(exact.values()) == [1, 1, 3], "exact bins count NaN otherwise"
for numbers in (costs[::-1], [np.nan, np.nan, 7.0, 12.0, 30.0]):
    assert ask("histogram(cost, [5, 10, 20])", numbers) == seen
assert ask("histogram(cost, [5, 10, 20])", kind="FLOAT") == seen
assert list(ask("histogram(cost, [5, 10, 'nan'::DOUBLE])").values()) == [2, 1, 2], "NaN has a bin now"
assert list(ask("histogram(cost, [5, 10, 20])", [*costs, np.inf]).values()) == [2, 1, 1, 2]
round_trip = ask("histogram(CASE WHEN NOT isnan(cost) THEN cost END, [5, 10, 20])")
counts = [round_trip.get(edge, 0) for edge in (5.0, 10.0, 20.0, np.inf)]
print("way round", round_trip)
assert counts == right, "the way round fails"
PY
