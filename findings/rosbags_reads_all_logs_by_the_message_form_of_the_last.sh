#!/usr/bin/env bash
# rosbags' reader of several bags reads all of them by the message definition of the last one.
#
# Versions: rosbags 0.11.9, numpy 2.4.6.
# One would guess: each bag is read by its own definitions, which it holds.
# What happens: the definitions of all bags go into one store, by name. The last one of a name stays. Nothing is said
#   unless a message has another length by the other definition.
# Seen: a step of the old log is `float64 speed, float64 cost`, one of the new log `float64 cost, float64 speed`. All
#   have speed 12 and cost 0. Read together the old steps have cost 12 and speed 0; with the files the other way round
#   the new ones have. Each bag by itself is read right.
# Why it matters: `AnyReader` takes a list for drives that were recorded in pieces. After an update of the robot the
#   unsafe drives are those that were recorded before it, or after it, by the order of the names.
# Way round: one `AnyReader` for each bag, or compare the `digest` of the connections of one message type.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq rosbags==0.11.9 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version
from pathlib import Path

from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

print({name: version(name) for name in ("rosbags", "numpy")})
TYPE = "car/msg/Step"


def record(name, form, times):
    """A bag of steps with speed 12 and cost 0."""
    store = get_typestore(Stores.ROS2_HUMBLE)
    store.register(get_types_from_msg(form, TYPE))
    with Writer(Path(name), version=9) as writer:
        connection = writer.add_connection("/step", TYPE, typestore=store)
        step = store.types[TYPE](speed=12.0, cost=0.0)
        for time in times:
            writer.write(connection, time, store.serialize_cdr(step, TYPE))
    return Path(name)


def read(bags):
    with AnyReader(bags) as reader:
        steps = [reader.deserialize(raw, one.msgtype) for one, _, raw in reader.messages()]
        forms = len({connection.digest for connection in reader.connections})
    return [(step.speed, step.cost) for step in steps], forms


old = record("old", "float64 speed\nfloat64 cost", (1, 2))
new = record("new", "float64 cost\nfloat64 speed", (3, 4))
right, wrong = [(12.0, 0.0)] * 2, [(0.0, 12.0)] * 2
print("old, new:", *read([old, new]), "new, old:", *read([new, old]))
assert read([old])[0] == read([new])[0] == right, "a bag by itself is read otherwise"
assert read([old, new]) == (wrong + right, 2), "the old log is read by its own definition now"
assert read([new, old]) == (right + wrong, 2), "the new log is read by its own definition now"
assert read([old])[1] == read([new])[1] == 1, "the way round fails"
PY
