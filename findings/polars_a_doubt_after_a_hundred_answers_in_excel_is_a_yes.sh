#!/usr/bin/env bash
# Polars reads the label 0.1 from an Excel file as True when a hundred answers of true and false stand above it.
#
# Versions: polars 2.1.0, fastexcel 0.21.0, xlsxwriter 3.3.1.
# One would guess: 0.1 as a number, or an error, as `read_csv` gives for a value that does not fit the first rows.
# What happens: the type of a column comes from its first 100 rows. What comes later is turned into this type without a
#   warning: each number but 0 is True, and a word among numbers is missing. The number of rows is documented.
# Seen: answers of false, and then 0.1 and 0.4 for clips in doubt. After 98 answers Polars reads 0.1 and 0.4. After 100
#   it reads True and True. Of the costs 0.75, "unsafe" and 3 after 100 zeros, "unsafe" is None.
# Why it matters: sheets of labels grow below. A clip that is thought to be unsafe, at 0.1, becomes one that is safe.
# Way round: `polars.read_excel(path, infer_schema_length=None)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq polars==2.1.0 fastexcel==0.21.0 xlsxwriter==3.3.1
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import polars as pl
import xlsxwriter

print({name: version(name) for name in ("polars", "fastexcel", "xlsxwriter")})


def read(values, **options):
    with xlsxwriter.Workbook("labels.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_column(0, 0, ["clip", *range(len(values))])
        sheet.write_column(0, 1, ["label", *values])
    column = pl.read_excel("labels.xlsx", **options)["label"]
    print(len(values), "rows:", column.dtype, column.tail(3).to_list(), options)
    return column.tail(3).to_list()


doubts = [0.1, 0.4]
assert read([False] * 98 + doubts) == [0.0, 0.1, 0.4], "a hundred rows are read otherwise"
assert read([False] * 100 + doubts) == [False, True, True], "doubts are kept now"
assert read([0] * 100 + [0.75, "unsafe", 3]) == [0.75, None, 3.0], "words are kept now"
assert read([False] * 100 + doubts, infer_schema_length=None) == [0.0, 0.1, 0.4], "the way round fails"

with open("labels.csv", "w") as file:
    print("label", *["false"] * 100, *doubts, sep="\n", file=file)
try:
    pl.read_csv("labels.csv", infer_schema_length=100)
except pl.exceptions.ComputeError as error:
    print("read_csv:", str(error).splitlines()[0])
else:
    raise AssertionError("read_csv answers now")
PY
