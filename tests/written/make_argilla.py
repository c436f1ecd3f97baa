"""Write the small Argilla files that lie here, with the real package, and have it read ours.

In an environment of its own::

    pip install argilla==2.8.0
    python make_argilla.py

``argilla.json`` is ``to_list(flatten=True)`` of records with responses, and ``argilla_dict.json``
what Argilla's own ``to_json`` writes of the same. ``argilla_ours.json`` is written by
``sb3-presa labels --export ours.json --form argilla`` of the answers in ``test_exchange_tools.py``;
here its responses become Argilla's records, which flatten to the same file.
"""

import json
import uuid
from pathlib import Path
from typing import Any

from argilla import Record, Response
from argilla.records._io import GenericIO, JsonIO

HERE = Path(__file__).parent


def user(name: str) -> uuid.UUID:
    """The id of a person."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"sb3_presa/{name}")


def responses(name: str, status: str, **said: Any) -> list[Response]:
    """What a person submits, discards or leaves as a draft."""
    return [Response(question, value, user(name), status) for question, value in said.items()]


def main() -> None:
    """Write all files, and compare ours."""
    segments = {"first_episode": 0, "first_start": 0, "first_length": 10}
    segments |= {"second_episode": 1, "second_start": 5, "second_length": 10}
    ann = responses(
        "ann",
        "submitted",
        preference="left",
        safety_first="safe",
        safety_second="unsafe",
        strength=2,
        unsafe_from_second="7",
        tags=["too close", "jerky"],
        note="near",
    )
    ben = responses("ben", "discarded", preference="right")
    cid = responses("cid", "draft", preference="right")
    records = [
        Record("a", {"first": "clip 1", "second": "clip 2"}, segments, responses=ann + ben + cid),
        Record(
            "b",
            {"first": "clip 2", "second": "clip 1"},
            {**segments, "second_length": 8},
            responses=responses("ben", "submitted", preference="equal", safety_second="safe"),
        ),
    ]
    flat = GenericIO.to_list(records, flatten=True)
    (HERE / "argilla.json").write_text(json.dumps(flat, indent=1, sort_keys=True) + "\n")
    (HERE / "argilla_dict.json").unlink(missing_ok=True)
    JsonIO.to_json(records, HERE / "argilla_dict.json")

    for row in json.loads((HERE / "argilla_ours.json").read_text()):
        assert as_argilla(row) == without_empty(row), row


def as_argilla(row: dict[str, Any]) -> dict[str, Any]:
    """A flattened record after it was one of Argilla's."""
    said = []
    for column, values in row.items():
        question, dot, rest = column.partition(".responses")
        if dot and not rest:
            users, statuses = row[f"{column}.users"], row[f"{column}.status"]
            for value, who, status in zip(values, users, statuses, strict=True):
                said.append(Response(question, value, uuid.UUID(who), status))
    fields = {name: row[name] for name in ("first", "second")}
    metadata = {name: row[name] for name in row if name.partition("_")[0] in fields and "_" in name}
    metadata = {name: value for name, value in metadata.items() if isinstance(value, int)}
    [flat] = GenericIO.to_list([Record(row["id"], fields, metadata, responses=said)], flatten=True)
    return {name: value for name, value in flat.items() if name not in ("status", "_server_id")}


def without_empty(row: dict[str, Any]) -> dict[str, Any]:
    """Argilla leaves out questions that nobody answered."""
    return {name: value for name, value in row.items() if value != []}


if __name__ == "__main__":
    main()
