"""Write the small Label Studio files that lie here, with the real package, and have it read ours.

In an environment of its own::

    pip install label-studio-sdk==2.1.2
    python make_label_studio.py

``label_studio.json`` is the full JSON of annotations that its label interface made, and
``label_studio_min.json`` the short form of the same. ``label_studio_ours.json`` is written by
``sb3-presa labels --export ours.json --form label-studio`` of the answers in
``test_exchange_tools.py``; its annotations are validated here, and ``label_studio_ours_min.json``
is what Label Studio makes of it.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from label_studio_sdk.converter import Converter
from label_studio_sdk.label_interface import LabelInterface
from label_studio_sdk.label_interface.objects import AnnotationValue

HERE = Path(__file__).parent
CONFIG = """
<View>
  <Text name="first" value="$first"/>
  <Text name="second" value="$second"/>
  <Choices name="preference" toName="first" choice="single">
    <Choice value="left"/><Choice value="equal"/><Choice value="right"/>
  </Choices>
  <Rating name="strength" toName="first" maxRating="3"/>
  <Choices name="safety_first" toName="first" choice="single">
    <Choice value="safe"/><Choice value="unsafe"/><Choice value="unknown"/>
  </Choices>
  <Choices name="safety_second" toName="second" choice="single">
    <Choice value="safe"/><Choice value="unsafe"/><Choice value="unknown"/>
  </Choices>
  <Number name="unsafe_from_first" toName="first"/>
  <Number name="unsafe_from_second" toName="second"/>
  <Choices name="tags" toName="first" choice="multiple">
    <Choice value="too close"/><Choice value="jerky"/>
  </Choices>
  <TextArea name="note" toName="first"/>
  <TextArea name="details" toName="first"/>
</View>
"""


def annotation(interface: LabelInterface, said: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What an annotator of a project with this configuration submits."""
    regions = [interface.get_control(name).label(value) for name, value in said.items()]
    made = AnnotationValue(result=regions, completed_by=7, result_count=len(regions)).model_dump()
    assert interface.validate_annotation(made)
    for number, region in enumerate(made["result"]):
        region["id"] = f"region{number}"  # random otherwise
    return {**made, **more}


def convert(task_file: Path, form: str, out: Path) -> None:
    """Write a file of tasks in one of Label Studio's forms."""
    with tempfile.TemporaryDirectory() as folder:
        converter = Converter(CONFIG, folder)
        getattr(converter, f"convert_to_{form}")(str(task_file), folder, is_dir=False)
        shutil.copy(Path(folder) / "result.json", out)


def main() -> None:
    """Write all files, and validate ours."""
    interface = LabelInterface(CONFIG)
    pair = {"first_episode": 0, "first_start": 0, "first_length": 10}
    pair |= {"second_episode": 1, "second_start": 5, "second_length": 10}
    alone = {"first_episode": 2, "first_start": 3, "first_length": 4, "second": "-"}
    said = {
        "preference": "left",
        "strength": 2,
        "safety_first": "safe",
        "safety_second": "unsafe",
        "unsafe_from_second": 7,
        "tags": ["too close", "jerky"],
        "note": ["near"],
    }
    tasks = [
        {
            "id": 1,
            "data": {**pair, "first": "clip 1", "second": "clip 2"},
            "annotations": [
                annotation(
                    interface, said, id=1, lead_time=6.25, created_at="2026-11-28T10:30:00.125000Z"
                ),
                annotation(
                    interface,
                    {"preference": "right"},
                    id=2,
                    completed_by=8,
                    was_cancelled=True,
                    created_at="2026-11-28T10:31:00Z",
                ),
                annotation(
                    interface,
                    {},
                    id=3,
                    completed_by={"id": 9, "email": "cid@example.com"},
                    created_at="2026-11-28T10:32:00Z",
                ),
            ],
            "predictions": [],
        },
        {
            "id": 2,
            "data": {**alone, "first": "clip 3"},
            "annotations": [
                annotation(
                    interface, {"safety_first": "unsafe"}, id=4, created_at="2026-11-28T10:33:00Z"
                )
            ],
        },
    ]
    for task in tasks:
        assert interface.validate_task({"data": task["data"]}), task
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "tasks.json"
        source.write_text(json.dumps(tasks, indent=1))
        convert(source, "json", HERE / "label_studio.json")
        convert(source, "json_min", HERE / "label_studio_min.json")

    ours = json.loads((HERE / "label_studio_ours.json").read_text())
    for task in ours:
        for one in task["annotations"]:
            assert interface.validate_annotation({**one, "completed_by": 1}), one
    convert(HERE / "label_studio_ours.json", "json_min", HERE / "label_studio_ours_min.json")


if __name__ == "__main__":
    main()
