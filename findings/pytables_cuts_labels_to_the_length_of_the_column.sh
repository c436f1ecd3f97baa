#!/usr/bin/env bash
# PyTables cuts labels to the length of their column: "unsafe: contact" and "unsafe: speed" become one label.
#
# Versions: tables 3.11.1, numpy 2.4.6.
# One would guess: a text that is too long for its column is refused, as a number that is too large is.
# What happens: text is cut, and fractions in a column of integers are, too. A query for the whole label finds nothing.
#   Numbers that are out of range and NaN raise an error.
# Seen: `StringCol(6)`: three labels are stored as "safe", "unsafe", "unsafe". A query for "unsafe: speed" finds none,
#   one for "unsafe" two. 2.7 contacts are stored as 2. 300 in a `UInt8Col` raises an OverflowError.
# Why it matters: the length was chosen when there were two labels. Whoever adds finer ones later gets the old ones.
# Way round: read each row again after it was written; a column with a number per label.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq tables==3.11.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import tables

print({name: version(name) for name in ("tables", "numpy")})


class Answer(tables.IsDescription):
    label = tables.StringCol(6)
    contacts = tables.UInt8Col()


ANSWERS = [("safe", 0), ("unsafe: contact", 2.7), ("unsafe: speed", 1)]
with tables.open_file("answers.h5", "w") as file:
    answers = file.create_table("/", "answers", Answer)
    row = answers.row
    for row["label"], row["contacts"] in ANSWERS:
        row.append()
    answers.flush()
with tables.open_file("answers.h5") as file:
    answers = file.root.answers
    labels, contacts = answers.cols.label[:].tolist(), answers.cols.contacts[:].tolist()
    found = {name: len(answers.read_where("label == name", {"name": name})) for name in (b"unsafe: speed", b"unsafe")}
print(labels, contacts, found)
assert labels == [b"safe", b"unsafe", b"unsafe"], "labels are not cut now"
assert contacts == [0, 2, 1], "fractions are not cut now"
assert found == {b"unsafe: speed": 0, b"unsafe": 2}
with tables.open_file("answers.h5", "a") as file:
    try:
        file.root.answers.row["contacts"] = 300
    except OverflowError as error:
        print("300:", error)
    else:
        raise AssertionError("a number out of range is stored now")
PY
