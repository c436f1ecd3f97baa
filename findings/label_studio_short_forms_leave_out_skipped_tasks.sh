#!/usr/bin/env bash
# Label Studio's short JSON and CSV leave out tasks that were skipped, but keep those that nobody answered.
#
# Versions: label-studio-sdk 2.1.2.
# One would guess: every task is in the export, and a skipped one is told by an empty field or a mark.
# What happens: cancelled annotations are filtered out before rows are made, so a task that everybody skipped has
#   no row. A task without any annotation has one, and so has an answer that was submitted empty. Both lack the
#   field of the question.
# Seen: of four tasks (answered, skipped, submitted empty, not annotated), JSON_MIN and CSV hold three.
# Why it matters: the share of clips that people could not judge cannot be computed. The table joins to the list of
#   clips without an error, and skipped clips look like clips that were never shown.
# Way round: export as JSON, and read `annotations[*].was_cancelled`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq label-studio-sdk==2.1.2
venv/bin/python -I - <<'PY'
import csv
import json
from importlib.metadata import version
from pathlib import Path

from label_studio_sdk.converter import Converter
from label_studio_sdk.label_interface import LabelInterface

print({"label-studio-sdk": version("label-studio-sdk")})
config = (
    '<View><Text name="clip" value="$clip"/><Choices name="safety" toName="clip">'
    '<Choice value="safe"/><Choice value="unsafe"/></Choices></View>'
)
interface = LabelInterface(config)


def task(number, **annotation):
    made = {"id": number, "completed_by": 1, "created_at": "2026-01-01T00:00:00Z", "result": [], **annotation}
    return {"id": number, "data": {"clip": f"clip {number}"}, "annotations": [made] if annotation else []}


said = interface.get_control("safety").label("safe")._dict()
tasks = [
    task(1, result=[said]),
    task(2, was_cancelled=True),
    task(3, was_cancelled=False),
    task(4),
]
Path("tasks.json").write_text(json.dumps(tasks))
converter = Converter(config, ".")
converter.convert_to_json_min("tasks.json", "short", is_dir=False)
converter.convert_to_csv("tasks.json", "table", is_dir=False, sep=",", header=True)
short = json.loads(Path("short/result.json").read_text())
with open("table/result.csv", newline="") as file:
    table = list(csv.DictReader(file))
print("short form", [(row["id"], row.get("safety", "no field")) for row in short])
print("table     ", [(row["id"], row["safety"]) for row in table])
assert [row["id"] for row in short] == [1, 3, 4], "skipped tasks are in the short form now"
assert [row["id"] for row in table] == ["1", "3", "4"], "skipped tasks are in the table now"
assert ["safety" in row for row in short] == [True, False, False], "empty answers have a field now"
converter.convert_to_json("tasks.json", "full", is_dir=False)
full = json.loads(Path("full/result.json").read_text())
assert full[1]["annotations"][0]["was_cancelled"], "the way round fails"
PY
