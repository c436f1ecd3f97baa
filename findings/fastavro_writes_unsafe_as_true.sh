#!/usr/bin/env bash
# fastavro writes the label "unsafe" into a boolean column as True, and a cost of 0.75 into an integer one as 0.
#
# Versions: fastavro 1.13.1, numpy 2.4.6.
# One would guess: Avro is strict about types, so a value that is not of the declared type is an error.
# What happens: by default nothing is checked. A boolean is whatever Python's `bool` says, an integer is cut, and
#   the number -1, NaN and every word are True. In a union with null the same values are refused.
# Seen: "unsafe", "no", NaN and -1 are read back as True, 0.75 and 1.9 as 0 and 1. For ["null", "boolean"]: an
#   error.
# Why it matters: `safe: boolean` is how one declares a safety label. What was not labelled, and what was labelled
#   "unsafe", comes back as safe.
# Way round: `writer(..., validator=True)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq fastavro==1.13.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
import io
from importlib.metadata import version

import fastavro
import numpy as np
from fastavro.validation import ValidationError

print({name: version(name) for name in ("fastavro", "numpy")})


def read_back(kind, value, **options):
    schema = {"type": "record", "name": "step", "fields": [{"name": "x", "type": kind}]}
    stored = io.BytesIO()
    try:
        fastavro.writer(stored, fastavro.parse_schema(schema), [{"x": value}], **options)
    except (ValueError, ValidationError):
        return "refused"
    stored.seek(0)
    return next(fastavro.reader(stored))["x"]


labels = ("unsafe", "no", float("nan"), -1)
safe = [read_back("boolean", label) for label in labels]
cost = [read_back("long", value) for value in (0.75, 1.9, np.float64(0.75))]
union = [read_back(["null", "boolean"], label) for label in labels]
checked = [read_back("boolean", label, validator=True) for label in labels] + [read_back("long", 0.75, validator=True)]
print("labels", labels, "read back", safe, "costs", cost, "in a union", union, "with a validator", checked)
assert safe == [True] * 4 and cost == [0, 1, 0], "values of other types are no longer accepted"
assert union == ["refused"] * 4 and checked == ["refused"] * 5, "the way round fails"
PY
