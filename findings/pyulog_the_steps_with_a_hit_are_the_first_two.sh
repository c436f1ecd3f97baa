#!/usr/bin/env bash
# pyulog hands out the booleans of a log as small integers: `speed[hit]` is the speeds of the first two steps.
#
# Versions: pyulog 1.3.0, numpy 2.4.6.
# One would guess: a field of type `bool` in an ULog file becomes an array of NumPy's booleans, and picks rows.
# What happens: it becomes `int8`. NumPy takes integers for places: `speed[hit]` is row 0 or 1 for every step, and
#   `~hit` is -1 and -2, the last two rows. No error, for any log of two steps or more. Not documented.
# Seen: ten steps with speeds 0 to 9, a hit at steps 4 and 7. `speed[hit]` is ten numbers, eight 0 and two 1, and not 4
#   and 7. `speed[~hit]` is eight 9 and two 8.
# Why it matters: PX4 robots log armed, landed, failsafe and contact as `bool`. A mean speed at the hits is then near
#   the speed of the first step of the log, where the robot stands still.
# Way round: `hit.astype(bool)`, or `hit == 1`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pyulog==1.3.0 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
import struct
from importlib.metadata import version

import numpy as np
from pyulog import ULog

print({name: version(name) for name in ("pyulog", "numpy")})


def message(kind, data):
    return struct.pack("<HB", len(data), ord(kind)) + data


log = ULog.HEADER_BYTES + b"\x01" + struct.pack("<Q", 0) + message("B", bytes(40))
log += message("F", b"bumper:uint64_t timestamp;float speed;bool hit;")
log += message("A", struct.pack("<BH", 0, 1) + b"bumper")
for step in range(10):
    log += message("D", struct.pack("<HQf?", 1, 100_000 * (step + 1), step, step in (4, 7)))
with open("drive.ulg", "wb") as file:
    file.write(log)

bumper = ULog("drive.ulg").get_dataset("bumper")
types = {field.field_name: field.type_str for field in bumper.field_data}
speed, hit = bumper.data["speed"], bumper.data["hit"]
print("in the file", types["hit"], "as an array", hit.dtype, hit.tolist())
print("speed[hit]", speed[hit].tolist(), "speed[~hit]", speed[~hit].tolist())
assert types["hit"] == "bool" and hit.dtype == np.int8, "booleans are booleans now"
assert np.array_equal(speed[hit], hit) and speed[hit].size == 10, "hits pick rows now"
assert sorted(speed[~hit].tolist()) == [8.0] * 2 + [9.0] * 8, "steps without a hit are picked now"
assert speed.tolist() == list(range(10))
assert speed[hit.astype(bool)].tolist() == speed[hit == 1].tolist() == [4.0, 7.0], "the way round fails"
PY
