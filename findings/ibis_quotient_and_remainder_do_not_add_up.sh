#!/usr/bin/env bash
# In Ibis -5 is not -5 // 2 * 2 + -5 % 2 on DuckDB, its default, and a heading % 360 stays negative there only.
#
# Versions: ibis-framework 12.0.0, duckdb 2.0.1, polars 2.1.0, pyarrow 26.0.1, pandas 3.1.1, numpy 2.4.6.
# One would guess: `//` and `%` fit together as in Python, NumPy and pandas, and an expression means the same on every
#   backend.
# What happens: `//` rounds down on both backends. `%` has the sign of the dividend on DuckDB, and is never negative for
#   a positive divisor on Polars: Ibis changes the division of a backend, and leaves its remainder as it is.
# Seen: -5 // 2 is -3 and -5 % 2 is -1 on DuckDB, which make -7. Headings of -90 and 450 degrees, `% 360`, are -90, 90
#   on DuckDB, and 270 and 90 on Polars. No warning.
# Why it matters: angles are brought into a range by `%`, and positions into the cells of a grid by both. All that is
#   left of or below the origin goes to other cells when the backend is another.
# Way round: `((x % n) + n) % n`, which is the same on both.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq "ibis-framework[duckdb,polars]==12.0.0" duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1 \
  pandas==3.1.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import ibis
import pandas

print({name: version(name) for name in ("ibis-framework", "duckdb", "polars", "pyarrow", "pandas", "numpy")})
table = ibis.memtable(pandas.DataFrame({"number": [-5, 5], "heading": [-90, 450]}))
whole = table.number // 2 * 2 + table.number % 2
expressions = {
    "quotient": table.number // 2,
    "remainder": table.number % 2,
    "together": whole,
    "heading": table.heading % 360,
    "way round": (table.heading % 360 + 360) % 360,
}
seen = {
    backend: {name: connection.execute(one).tolist() for name, one in expressions.items()}
    for backend, connection in (("DuckDB", ibis.duckdb.connect()), ("Polars", ibis.polars.connect()))
}
for backend, results in seen.items():
    print(backend, results)
assert ibis.get_backend().name == "duckdb"
assert seen["DuckDB"]["quotient"] == seen["Polars"]["quotient"] == [-3, 2]
assert seen["DuckDB"]["together"] == [-7, 5], "quotient and remainder add up now"
assert seen["Polars"]["together"] == [-5, 5]
assert (seen["DuckDB"]["heading"], seen["Polars"]["heading"]) == ([-90, 90], [270, 90]), "the headings are others"
assert all(results["way round"] == [270, 90] for results in seen.values()), "the way round fails"
PY
