#!/usr/bin/env bash
# DuckDB's cast to integer rounds where Python cuts, and halves go two ways, by how the number was made.
#
# Versions: duckdb 2.0.0.
# One would guess: `cast(x as integer)` cuts like `int(x)`; or, knowing that it rounds, rounds one way.
# What happens: doubles are rounded half to even; decimals, and so every number written in the query,
#   half away from zero. `round` takes doubles half away from zero as well.
# Seen: 2.9 gives 3. The literal 2.5 gives 3, a column of doubles with 2.5 gives 2. round(2.5) is 3.
# Why it matters: step = cast(seconds * rate) is the usual way from time to step. Half of all labels move
#   one step on; and a query tried out with numbers typed in behaves otherwise on the table.
# Way round: `cast(floor(x) as integer)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq duckdb==2.0.0
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import duckdb

print({name: version(name) for name in ("duckdb",)})
columns = "cast(x as integer), cast(round(x) as integer), cast(floor(x) as integer)"
doubles = duckdb.sql(f"select {columns} from (values (2.9::double), (2.5::double), (3.5::double)) t(x)").fetchall()
literals = duckdb.sql("select cast(2.9 as integer), cast(2.5 as integer), cast(3.5 as integer)").fetchall()[0]
print("doubles", doubles, "literals", literals)
assert [row[0] for row in doubles] == [3, 2, 4], "doubles are no longer rounded half to even"
assert literals == (3, 3, 4), "literals are no longer rounded half away from zero"
assert [row[1] for row in doubles] == [3, 3, 4], "round has changed"
assert [row[2] for row in doubles] == [int(x) for x in (2.9, 2.5, 3.5)], "the way round fails"
PY
