#!/usr/bin/env bash
# Delta Lake appends the rewards 0.5 and 1.9 to a column of integers as 0 and 1.
#
# Versions: deltalake 1.6.6, pyarrow 26.0.1.
# One would guess: an error, since a Delta table enforces its schema; it refuses a missing column, for one.
# What happens: columns of other types are cast without a check of what is lost. `update` cuts as well.
#   Integers too large for the column are refused, and text that is no number.
# Seen: 0.5 and 1.9 to an integer column: 0 and 1. P(safe) = 0.3 to a column of true and false: true.
#   A time of 123 ns after the second becomes the full second. `update` by "reward * 0.5": 1, 2, 3 to 0, 1, 1.
# Why it matters: the first file of a log decides on the types. A batch whose rewards or labels happen to be
#   whole numbers makes all later ones whole.
# Way round: compare `DeltaTable(path).schema()` with the batch before each append.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq deltalake==1.6.6 pyarrow==26.0.1
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

print({name: version(name) for name in ("deltalake", "pyarrow")})


def append(name, first, second):
    for values in (first, second):
        write_deltalake(name, pa.table({"value": values}), mode="append")
    return sorted(DeltaTable(name).to_pyarrow_table()["value"].to_pylist())


rewards = append("rewards", [1, 2], [0.5, 1.9])
labels = append("labels", [False], [0.3])
print("rewards", rewards, "labels", labels)
assert rewards == [0, 1, 1, 2], "fractions are no longer cut"
assert labels == [False, True], "a probability no longer becomes true"
times = append("times", pa.array([0], pa.timestamp("us")), pa.array([1_000_000_123], pa.timestamp("ns")))
print("times", times)
assert [time.microsecond for time in times] == [0, 0] and times[1].second == 1, "nanoseconds are no longer cut"
for name, first, second in (("text", [1], ["safe"]), ("large", pa.array([1], pa.int32()), [2**31])):
    try:
        append(name, first, second)
        raise AssertionError(f"{name} is no longer refused")
    except Exception as refused:
        assert "ast error" in str(refused), refused
write_deltalake("update", pa.table({"reward": [1, 2, 3]}))
DeltaTable("update").update(updates={"reward": "reward * 0.5"})
halved = DeltaTable("update").to_pyarrow_table()["reward"].to_pylist()
print("halved", halved)
assert sorted(halved) == [0, 1, 1], "update no longer cuts"
PY
