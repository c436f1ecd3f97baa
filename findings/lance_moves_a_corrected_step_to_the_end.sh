#!/usr/bin/env bash
# Lance moves a row whose label is corrected to the end of the data set.
#
# Versions: pylance 14.0.2, pyarrow 26.0.1, numpy 2.4.6.
# One would guess: `update` and `merge_insert` change the values and leave the rows where they are.
# What happens: the row is marked as deleted in its place, and its new version is written to a new fragment
#   at the end. Reading and `take` go by the new places.
# Seen: steps 0 to 3, the cost of step 1 set to 0.9: the table reads 0, 2, 3, 1, and `take([1])` is step 2.
# Why it matters: a corrected reward or label puts a step behind the end of its episode. Every index that
#   was noted before (a segment, a comparison) points to a neighbour.
# Way round: store episode and step as columns, and sort or join by them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pylance==14.0.2 pyarrow==26.0.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import lance
import pyarrow as pa

print({name: version(name) for name in ("pylance", "pyarrow", "numpy")})
STEPS = pa.table({"step": [0, 1, 2, 3], "cost": [0.1, 0.2, 0.3, 0.4]})
correction = pa.table({"step": [1], "cost": [0.9]})
for way in ("update", "merge_insert"):
    data = lance.write_dataset(STEPS, f"{way}.lance")
    if way == "update":
        data.update({"cost": "0.9"}, where="step = 1")
    else:
        data.merge_insert("step").when_matched_update_all().execute(correction)
    data = lance.dataset(f"{way}.lance")
    read, second = data.to_table(), data.take([1])["step"].to_pylist()
    print(way, read.to_pydict(), "take([1])", second)
    assert read["step"].to_pylist() == [0, 2, 3, 1], "the corrected step keeps its place"
    assert second == [2], "indices no longer move"
    assert read.sort_by("step")["cost"].to_pylist() == [0.1, 0.9, 0.3, 0.4], "the way round fails"
PY
