#!/usr/bin/env bash
# python-can's CSV and SQLite logs turn commands that were sent into messages that were received, on no channel.
#
# Versions: python-can 4.6.1.
# One would guess: `can.Logger("x.csv")` and `can.LogReader("x.csv")` give back the messages that were logged, or
#   the reader says what the format lacks.
# What happens: CSV and SQLite store neither direction nor channel, and the reader fills in "received" and None.
#   TRC adds 1 to the channel. ASC gives seconds since the first message. Each in silence.
# Seen: a command sent on channel 1 at 1700000000.5 and the answer to it. Direction "sent" for ASC, BLF, TRC and
#   candump; "received" for CSV and SQLite. Channel 1, 1, 2, "can1", None, None. ASC starts at 0.0.
# Why it matters: in a car's log the messages that were sent are the actions. In CSV they are observations, and
#   an id that two buses share is one signal.
# Way round: BLF, which gives all of it back.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq python-can==4.6.1
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import can

print({name: version(name) for name in ("python-can",)})
command = can.Message(timestamp=1700000000.5, arbitration_id=0x100, data=[1], channel=1, is_rx=False)
answer = can.Message(timestamp=1700000000.75, arbitration_id=0x100, data=[2], channel=1, is_rx=True)
received, channels, times = {}, {}, {}
for kind in ("asc", "blf", "trc", "log", "csv", "db"):
    logger = can.Logger(f"drive.{kind}")
    logger(command)
    logger(answer)
    logger.stop()
    messages = list(can.LogReader(f"drive.{kind}"))
    received[kind] = [message.is_rx for message in messages]
    channels[kind] = messages[0].channel
    times[kind] = messages[0].timestamp
print("received", received, "channel", channels, "time", times, sep="\n")
assert received == {kind: [kind in ("csv", "db"), True] for kind in received}, "the directions are others"
assert channels == {"asc": 1, "blf": 1, "trc": 2, "log": "can1", "csv": None, "db": None}, "the channels are others"
assert times == {kind: 0.0 if kind == "asc" else 1700000000.5 for kind in times}, "the times are others"
PY
