#!/usr/bin/env bash
# jsonschema and fastjsonschema say that NaN is a number between 0 and 1.
#
# Versions: jsonschema 4.26.0, fastjsonschema 2.22.3, pydantic 2.14.4.
# One would guess: p_safe = NaN is not valid where the schema asks for a number from 0 to 1. pydantic refuses it.
# What happens: both ask whether the value is below the minimum or above the maximum, and NaN is neither. It is a number
#   for both, so every range takes it, an empty one as well.
# Seen: p_safe, cost and step are NaN in a record that Python's `json` wrote and read back. They are valid against the
#   range [0, 1], against a minimum of 0, and against the range from 5 to 3, which holds no number.
# Why it matters: a schema is the check at the door of a data set. Records without labels pass it as labelled ones, and
#   later comparisons call them safe or unsafe by how they are written.
# Way round: `json.loads(text, parse_constant=...)` that raises, or pydantic with bounds.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq jsonschema==4.26.0 fastjsonschema==2.22.3 pydantic==2.14.4
venv/bin/python -I - <<'PY'
import json
from importlib.metadata import version

import fastjsonschema
import jsonschema
import pydantic

print({name: version(name) for name in ("jsonschema", "fastjsonschema", "pydantic")})
LABEL = {"type": "number", "minimum": 0, "maximum": 1}
COST = {"type": "number", "exclusiveMinimum": 0}
EMPTY = {"type": "number", "minimum": 5, "maximum": 3}
schema = {"type": "object", "properties": {"p_safe": LABEL, "cost": COST, "step": EMPTY}, "required": ["p_safe"]}
text = json.dumps({"p_safe": float("nan"), "cost": float("nan"), "step": float("nan")})
record = json.loads(text)


def refused(check, value):
    try:
        check(value)
    except (jsonschema.ValidationError, fastjsonschema.JsonSchemaException):
        return True
    return False


for check in (jsonschema.Draft202012Validator(schema).validate, fastjsonschema.compile(schema)):
    answers = [refused(check, one) for one in (record, {"p_safe": 1.5}, {"p_safe": 1, "step": 4}, {"p_safe": None})]
    print(text, "is refused:", answers[0], "- a label of 1.5, a step of 4, no label:", answers[1:])
    assert answers == [False, True, True, True], "NaN is no longer within every range"


class Record(pydantic.BaseModel):
    """The same record with the same bounds."""

    p_safe: float = pydantic.Field(ge=0, le=1)


def forbidden(name):
    raise ValueError(f"{name} is no JSON")


for way in (lambda: Record(**record), lambda: json.loads(text, parse_constant=forbidden)):
    try:
        way()
        raise SystemExit("the way round fails")
    except ValueError as error:
        print("refused:", str(error).splitlines()[0])
PY
