#!/usr/bin/env bash
# cantools gives a flag of 0 as a value that is true and not equal to 0, once the database has a name for it.
#
# Versions: cantools 45.1.0, pandas 3.1.1, numpy 2.4.6.
# One would guess: a named value still counts as its number, as Python's IntEnum does, or all of a signal are text.
# What happens: a number with a name becomes a NamedSignalValue, and one without a name stays an integer. It equals its
#   name only. It has no truth value of its own, so each is true. The documentation speaks of "choice strings".
# Seen: five frames with the flag 0, 1, 0, 0, 3 and names for 0 ("no") and 1 ("yes"). As booleans all five are True, in
#   Python, NumPy and pandas. `!= 0` is true for all, `== 1` for none, and `pandas.to_numeric` keeps the 3 only. Without
#   the names two are True, and one equals 1.
# Why it matters: somebody adds names to a DBC file to make it readable, and every step of the log has a crash, or no
#   step has one, by the way of asking. A "3" for "not available" is the only number left.
# Way round: `decode_message(..., decode_choices=False)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq cantools==45.1.0 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import cantools
import numpy as np
import pandas as pd

print({name: version(name) for name in ("cantools", "pandas", "numpy")})
BASE = """VERSION ""
NS_ :
BS_:
BU_: CAR
BO_ 100 STEP: 2 CAR
 SG_ Speed : 0|8@1+ (0.5,0) [0|100] "m/s" CAR
 SG_ Crashed : 8|2@1+ (1,0) [0|3] "" CAR
"""
NAMES = 'VAL_ 100 Crashed 0 "no" 1 "yes" ;\n'
FRAMES = [bytes([20, flag]) for flag in (0, 1, 0, 0, 3)]


def count(text, **options):
    """How many frames have a crash, by several ways of asking."""
    database = cantools.database.load_string(text, "dbc")
    column = pd.DataFrame([database.decode_message(100, frame, **options) for frame in FRAMES])["Crashed"]
    values = list(column)
    return {
        "values": [str(value) for value in values],
        "if": sum(1 for value in values if value),
        "NumPy": int(np.count_nonzero(np.array(values, dtype=bool))),
        "pandas": int(column.astype(bool).sum()),
        "!= 0": int((column != 0).sum()),
        "== 1": int((column == 1).sum()),
        "to_numeric": int(pd.to_numeric(column, errors="coerce").notna().sum()),
    }


plain, named, numbers = count(BASE), count(BASE + NAMES), count(BASE + NAMES, decode_choices=False)
print("without names", plain, "with names", named, "with names, as numbers", numbers, sep="\n")
assert plain["values"] == ["0", "1", "0", "0", "3"] and named["values"] == ["no", "yes", "no", "no", "3"]
assert all(plain[way] == 2 for way in ("if", "NumPy", "pandas", "!= 0")) and plain["== 1"] == 1
assert all(named[way] == 5 for way in ("if", "NumPy", "pandas", "!= 0")), "a named 0 is false now"
assert named["== 1"] == 0 and named["to_numeric"] == 1, "a named value equals its number now"
assert numbers == plain, "the way round fails"
PY
