#!/usr/bin/env bash
# Delta Lake returns a log that was appended piece by piece with the last piece first.
#
# Versions: deltalake 1.6.6, polars 2.1.0, pyarrow 26.0.1.
# One would guess: the order of writing, as of a Parquet file with several row groups.
# What happens: a table lists its files from the newest to the oldest, and both readers follow the list. Rows
#   within a piece keep their order.
# Seen: steps 0 to 2, 3 to 5 and 6 to 8 appended: read back as 6, 7, 8, 3, 4, 5, 0, 1, 2 by `to_pyarrow_table`
#   and by `polars.read_delta`.
# Why it matters: an episode that was flushed in pieces is read with its end before its start. The differences
#   between neighbouring rows are then right within the pieces, so that a glance sees nothing.
# Way round: store the number of the step, and sort by episode and step.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq deltalake==1.6.6 polars==2.1.0 pyarrow==26.0.1
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

print({name: version(name) for name in ("deltalake", "polars", "pyarrow")})
for start in (0, 3, 6):
    write_deltalake("log", pa.table({"step": list(range(start, start + 3))}), mode="append")
arrow = DeltaTable("log").to_pyarrow_table()
by_arrow, by_polars = arrow["step"].to_pylist(), pl.read_delta("log")["step"].to_list()
print("pyarrow", by_arrow, "Polars", by_polars)
assert by_arrow == by_polars == [6, 7, 8, 3, 4, 5, 0, 1, 2], "the order has changed"
assert arrow.sort_by("step")["step"].to_pylist() == list(range(9)), "the way round fails"
PY
