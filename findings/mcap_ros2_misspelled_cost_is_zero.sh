#!/usr/bin/env bash
# The MCAP writer for ROS 2 writes 0 for a field whose name is misspelled, and drops the value.
#
# Versions: mcap-ros2-support 0.6.0, mcap 1.6.0.
# One would guess: an error, as for a field that a message of rclpy or of Protobuf does not have.
# What happens: fields are looked up in the given dict. One that is not found becomes 0, false, "" or an empty
#   list, and what the type does not have is left out. Values are bent into shape: an array of fixed length is
#   cut or filled up with zeros, 2.7 becomes the integer 2, and the text "False" the boolean true.
# Seen: {"speed": 1.5, "cots": 1.0} is read back with cost 0. {"crashed": "False"} is read back as crashed.
# Why it matters: a log without any cost looks like a flawless drive, and only the reader can find out, by a
#   second source. Values from a CSV file (text) turn every "False" into an accident.
# Way round: compare the keys with the names of the message definition before `write_message`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq mcap-ros2-support==0.6.0 mcap==1.6.0
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import io

from mcap_ros2.reader import read_ros2_messages
from mcap_ros2.writer import Writer

print({name: version(name) for name in ("mcap-ros2-support", "mcap")})
stream = io.BytesIO()
writer = Writer(stream)
fields = ("float64 speed", "float64 cost", "int32 count", "bool crashed", "uint8[3] cells")
schema = writer.register_msgdef("car/msg/Step", "\n".join(fields))
messages = [
    {"speed": 1.5, "cots": 1.0, "count": 3, "crashed": True, "cells": [1, 2, 3]},
    {"speed": 1.5, "cost": 1.0, "count": 2.7, "crashed": "False", "cells": [1, 2, 3, 4]},
    {"cells": [9]},
]
for number, message in enumerate(messages):
    writer.write_message("/step", schema, message, log_time=number, publish_time=number)
writer.finish()
stream.seek(0)
read = [message.ros_msg for message in read_ros2_messages(stream)]
rows = [(row.speed, row.cost, row.count, row.crashed, list(row.cells)) for row in read]
print(*rows, sep="\n")
assert rows[0] == (1.5, 0.0, 3, True, [1, 2, 3]), "a misspelled field is treated otherwise"
assert rows[1] == (1.5, 1.0, 2, True, [1, 2, 3]), "values of other types are treated otherwise"
assert rows[2] == (0.0, 0.0, 0, False, [9, 0, 0]), "missing fields are treated otherwise"
PY
