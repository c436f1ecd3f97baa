#!/usr/bin/env bash
# pandas `read_json` turns the text "007" into the number 7, and seconds into calendar dates.
#
# Versions: pandas 3.1.1.
# One would guess: JSON says what is text and what is a number, so both come back as they were.
# What happens: text columns are tried as numbers. Columns named "date", "modified", "timestamp..." or
#   ending in "_at" or "_time" become dates where the numbers are large enough.
# Seen: `to_json` and `read_json` of workers "007", "7" and "1e5" give 7, 7 and 100000; lap_time 40,000,000
#   becomes 8 April 1971.
# Why it matters: two annotators become one, so their agreement with each other is one person's with
#   himself. Annotation tools export JSON. No warning is given.
# Way round: `dtype=False`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pandas==3.1.1
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import io

import pandas as pd

print({name: version(name) for name in ("pandas",)})
answers = pd.DataFrame({"worker": ["007", "7", "1e5"], "lap_time": [40_000_000, 50_000_000, 60_000_000]})
text = answers.to_json(orient="records")
back = pd.read_json(io.StringIO(text))
print(text, back.to_dict("list"))
assert '"007"' in text, "the file no longer holds text"
assert back["worker"].tolist() == [7, 7, 100_000], "text is no longer turned into numbers"
assert back["lap_time"].iloc[0] == pd.Timestamp("1971-04-08 23:06:40"), "numbers no longer become dates"

exact = pd.read_json(io.StringIO(text), dtype=False)
assert exact["worker"].tolist() == ["007", "7", "1e5"], "the way round fails"
assert exact["lap_time"].tolist() == answers["lap_time"].tolist(), "the way round fails"
PY
