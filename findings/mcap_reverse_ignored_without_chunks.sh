#!/usr/bin/env bash
# The MCAP reader returns messages forwards for `reverse=True` when the file has no chunks.
#
# Versions: mcap 1.6.0.
# One would guess: `iter_messages(reverse=True)` gives the newest message first from every valid file.
# What happens: a file without chunks is read in the order of its records, sorted by rising log time.
#   `reverse` has no effect and no error is raised.
# Seen: log times 0, 20, 10, 30. With chunks: 30, 20, 10, 0. Without: 0, 10, 20, 30.
# Why it matters: `next(reader.iter_messages(reverse=True))` is the way to the last state of a log. On a
#   recorder that writes no chunks (small devices do) it returns the first state.
# Way round: sort the messages by `log_time` yourself, or rewrite the file with chunks first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq mcap==1.6.0
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import io

from mcap.reader import make_reader
from mcap.writer import Writer

print({name: version(name) for name in ("mcap",)})
orders = {}
for chunks in (True, False):
    file = io.BytesIO()
    writer = Writer(file, use_chunking=chunks)
    writer.start()
    schema = writer.register_schema(name="state", encoding="jsonschema", data=b"{}")
    channel = writer.register_channel(topic="/state", message_encoding="json", schema_id=schema)
    for time in (0, 20, 10, 30):
        writer.add_message(channel_id=channel, log_time=time, publish_time=time, data=b"{}")
    writer.finish()
    file.seek(0)
    messages = make_reader(file).iter_messages(reverse=True)
    orders[chunks] = [message.log_time for _, _, message in messages]
    print("chunks:", chunks, orders[chunks])
assert orders[True] == [30, 20, 10, 0], "reading backwards no longer works with chunks"
assert orders[False] == [0, 10, 20, 30], "reverse now works without chunks"
assert sorted(orders[False], reverse=True) == orders[True], "the way round fails"
PY
