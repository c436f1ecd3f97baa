#!/usr/bin/env bash
# canmatrix sends a speed of 12.5 m/s as 1.2 m/s: `encode` takes numbers as raw, and `decode` returns physical ones.
#
# Versions: canmatrix 1.3.3, cantools 45.1.0.
# One would guess: what `decode` returns can be given to `encode`, as in cantools. Both apply the factor and offset.
# What happens: a number goes into the frame without factor and offset, and its fraction is cut. A number written as
#   text ("12.5") is scaled. Its description only says "data dictionary".
# Seen: factor 0.1. `encode({"speed": 12.5})` decodes to 1.2, `encode({"speed": "12.5"})` to 12.5. A steering angle of
#   -20 with an offset of -64 decodes to -74. cantools reads the same, and encodes 12.5 as 12.5.
# Why it matters: a log that is replayed through `decode` and `encode` drives at a tenth of the speed. Zero stays zero
#   where there is no offset, so an idle robot looks right.
# Way round: `signal.phys2raw(value)` for every value first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > drive.dbc <<'DBC'
VERSION ""

NS_ :

BS_:

BU_: ECU

BO_ 256 Drive: 8 ECU
 SG_ speed : 0|16@1+ (0.1,0) [0|6553.5] "m/s" ECU
 SG_ steer : 16|8@1+ (0.5,-64) [-64|63.5] "deg" ECU
DBC
python3 -m venv venv
venv/bin/pip install -qq canmatrix==1.3.3 cantools==45.1.0
venv/bin/python -I - <<'PY'
from importlib.metadata import version
from pathlib import Path

import canmatrix.formats
import cantools

print({name: version(name) for name in ("canmatrix", "cantools")})
text = Path("drive.dbc").read_bytes()
frame = canmatrix.formats.loads_flat(text, "dbc").frame_by_name("Drive")
message = cantools.database.load_string(text.decode(), "dbc").get_message_by_name("Drive")


def read(data):
    values = {name: float(value.phys_value) for name, value in frame.decode(bytearray(data)).items()}
    assert all(abs(values[name] - value) < 1e-9 for name, value in message.decode(bytes(data)).items())
    return values


sent = {"speed": 12.5, "steer": -20.0}
numbers = read(frame.encode({"speed": 12.5, "steer": -20}))
texts = read(frame.encode({name: str(value) for name, value in sent.items()}))
print("sent", sent, "read, sent as numbers", numbers, "as text", texts, "by cantools", read(message.encode(sent)))
assert read(message.encode(sent)) == texts == sent
assert abs(numbers["speed"] - 1.2) < 1e-9 and numbers["steer"] != -20, "numbers are now scaled"
raw = {name: frame.signal_by_name(name).phys2raw(value) for name, value in sent.items()}
assert read(frame.encode(raw)) == sent, "the way round fails"
PY
