#!/usr/bin/env bash
# Argilla's JSON file of records gives discarded answers back as if they had never been discarded.
#
# Versions: argilla 2.8.0, requests 2.34.2.
# One would guess: records that are written with `to_json` and read again are the same records.
# What happens: the dictionary of a record holds each answer's value and person, but not its status. After reading,
#   the status of every answer is None.
# Seen: one person submits "left", one discards the record with "right" selected. Read back, both are answers:
#   a vote of 1 : 0 became 1 : 1.
# Why it matters: people discard what they cannot judge. A backup, or an exchange through the file, turns these
#   into labels.
# Way round: `to_list(flatten=True)` has a column of statuses, `<question>.responses.status`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq argilla==2.8.0 requests==2.34.2
venv/bin/python -I - <<'PY'
import uuid
from importlib.metadata import version

from argilla import Record, Response
from argilla.records._io import GenericIO, JsonIO  # what dataset.records.to_json() and to_list() call

print({name: version(name) for name in ("argilla", "requests")})
ann, ben = uuid.uuid4(), uuid.uuid4()
record = Record(
    "clip 1",
    {"text": "clip 1"},
    responses=[
        Response("preference", "left", ann, "submitted"),
        Response("preference", "right", ben, "discarded"),
    ],
)


def votes(of):
    """Answers that were not discarded."""
    return [one.value for one in of.responses if one.status is None or one.status.value != "discarded"]


[back] = JsonIO._records_from_json(JsonIO.to_json([record], "records.json"))
print("votes before", votes(record), "and after", votes(back))
print("statuses after", [one.status for one in back.responses])
assert votes(record) == ["left"], "a discarded answer can no longer be told"
assert votes(back) == ["left", "right"], "the file keeps the status now"
[flat] = GenericIO.to_list([record], flatten=True)
assert flat["preference.responses.status"] == ["submitted", "discarded"], "the way round fails"
PY
