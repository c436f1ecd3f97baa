#!/usr/bin/env bash
# Label Studio's short JSON gives a field of tags another type by how many tags were chosen.
#
# Versions: label-studio-sdk 2.1.2.
# One would guess: a question with several choices is a list in every row.
# What happens: one chosen tag is text, two are an object {"choices": [...]}, and none leaves the field out.
# Seen: `"close" in row["tags"]` is true of the one tag "too close", and false of the two tags "too close", "jerky".
#   A loop over the tags of the first row goes over its letters.
# Why it matters: reasons beside a safety label are counted by tag. Rows with several reasons, which are the worst
#   clips, drop out of the counts without an error.
# Way round: export as JSON, where the value is always {"choices": [...]}.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq label-studio-sdk==2.1.2
venv/bin/python -I - <<'PY'
import json
from importlib.metadata import version
from pathlib import Path

from label_studio_sdk.converter import Converter
from label_studio_sdk.label_interface import LabelInterface

print({"label-studio-sdk": version("label-studio-sdk")})
config = (
    '<View><Text name="clip" value="$clip"/><Choices name="tags" toName="clip" choice="multiple">'
    '<Choice value="too close"/><Choice value="jerky"/></Choices></View>'
)
tags = LabelInterface(config).get_control("tags")
tasks = [
    {
        "id": number,
        "data": {"clip": f"clip {number}"},
        "annotations": [
            {
                "id": number,
                "completed_by": 1,
                "created_at": "2026-01-01T00:00:00Z",
                "result": [tags.label(chosen)._dict()] if chosen else [],
            }
        ],
    }
    for number, chosen in enumerate((["too close"], ["too close", "jerky"], []), start=1)
]
Path("tasks.json").write_text(json.dumps(tasks))
converter = Converter(config, ".")
converter.convert_to_json_min("tasks.json", "short", is_dir=False)
one, two, none = json.loads(Path("short/result.json").read_text())
print("one tag", repr(one["tags"]), "two", two["tags"], "none", none.get("tags", "no field"))
assert one["tags"] == "too close", "one tag is no longer text"
assert two["tags"] == {"choices": ["too close", "jerky"]}, "two tags are no longer an object"
assert "tags" not in none, "no tag has a field now"
assert "close" in one["tags"] and "close" not in two["tags"] and "too close" not in two["tags"]
converter.convert_to_json("tasks.json", "full", is_dir=False)
full = json.loads(Path("full/result.json").read_text())
values = [task["annotations"][0]["result"][0]["value"] for task in full[:2]]
assert values == [{"choices": ["too close"]}, {"choices": ["too close", "jerky"]}], "the way round fails"
PY
