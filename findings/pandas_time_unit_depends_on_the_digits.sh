#!/usr/bin/env bash
# pandas 3 gives time stamps another unit when one of them has nanoseconds, and integers a factor of 1,000.
#
# Versions: pandas 3.1.1.
# One would guess: `astype("int64")` of time stamps are nanoseconds since 1970, as up to pandas 2 and as
#   `Timestamp.value` still is.
# What happens: text with up to six decimals is read as microseconds, with nine as nanoseconds. Integers
#   made from the column are in that unit.
# Seen: "2026-01-01 00:00:00.123456" gives 1767225600123456, with "789" appended 1767225600123456789. The
#   `.value` of the first is 1767225600123456000.
# Why it matters: clocks of ROS, MCAP and cameras are integers in nanoseconds. One file of a log fits
#   them, another is a thousandfold off, by the digits in its text. No warning.
# Way round: `.astype("datetime64[ns]").astype("int64")`, or `.dt.as_unit("ns")`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pandas==3.1.1
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import pandas as pd

print({name: version(name) for name in ("pandas",)})
short = pd.Series(pd.to_datetime(["2026-01-01 00:00:00.123456"]))
long = pd.Series(pd.to_datetime(["2026-01-01 00:00:00.123456789"]))
print(short.dtype, int(short.astype("int64")[0]), long.dtype, int(long.astype("int64")[0]), short[0].value)
assert short.astype("int64")[0] == 1767225600123456, "short text is no longer in microseconds"
assert long.astype("int64")[0] == 1767225600123456789, "long text is no longer in nanoseconds"
assert short[0].value == 1767225600123456000, "Timestamp.value is no longer in nanoseconds"
assert short.dt.as_unit("ns").astype("int64")[0] == 1767225600123456000, "the way round fails"
PY
