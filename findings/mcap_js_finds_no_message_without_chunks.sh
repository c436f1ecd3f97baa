#!/usr/bin/env bash
# MCAP's indexed reader in JavaScript returns no message of a file without chunks, and no error.
#
# Versions: @mcap/core 2.2.2, with Node.js 20 (Debian: nodejs, npm); mcap 1.6.0.
# One would guess: the messages, as the reader in Python returns them, or "File is not indexed", as it says of others.
# What happens: messages are only looked for in chunks. A file without chunks is valid, has a summary, and its statistics
#   hold the number of messages. `readMessages` ends at once.
# Seen: five messages of costs. The reader's statistics say 5, and it returns 0, for every topic and range of time. The
#   same file with chunks gives 5, and so does the stream reader for both.
# Why it matters: recorders on small computers write without chunks. A page that shows costs and crashes of a drive shows
#   a drive without any.
# Way round: `McapStreamReader` when `reader.chunkIndexes.length === 0`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq mcap==1.6.0
npm install --silent --no-audit --no-fund @mcap/core@2.2.2
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer

print({"mcap": version("mcap")})
for name, chunks in (("plain", False), ("chunks", True)):
    with open(f"{name}.mcap", "wb") as file:
        writer = Writer(file, use_chunking=chunks, compression=CompressionType.NONE)
        writer.start()
        schema = writer.register_schema("cost", "jsonschema", b"{}")
        channel = writer.register_channel("/cost", "json", schema)
        for time in range(1, 6):
            writer.add_message(channel, time, b"1.0", time)
        writer.finish()
    with open(f"{name}.mcap", "rb") as file:
        messages = list(make_reader(file).iter_messages())
    print(name, "Python:", len(messages))
    assert len(messages) == 5, "Python reads otherwise"
PY
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { McapIndexedReader, McapStreamReader } from "@mcap/core";

const { version } = JSON.parse(readFileSync("node_modules/@mcap/core/package.json"));
console.log({ "@mcap/core": version, node: process.version });
const look = async (name) => {
  const bytes = new Uint8Array(readFileSync(`${name}.mcap`));
  const readable = {
    size: async () => BigInt(bytes.length),
    read: async (offset, size) => bytes.slice(Number(offset), Number(offset + size)),
  };
  const reader = await McapIndexedReader.Initialize({ readable });
  let indexed = 0;
  for await (const _ of reader.readMessages()) indexed += 1;
  const stream = new McapStreamReader();
  stream.append(bytes);
  let streamed = 0;
  for (let record; (record = stream.nextRecord()); ) streamed += record.type === "Message";
  return { indexed, streamed, counted: Number(reader.statistics.messageCount), chunks: reader.chunkIndexes.length };
};
const [plain, chunks] = [await look("plain"), await look("chunks")];
console.log({ plain, chunks });
assert.deepEqual(chunks, { indexed: 5, streamed: 5, counted: 5, chunks: 1 }, "chunks are read otherwise");
assert.deepEqual(plain, { indexed: 0, streamed: 5, counted: 5, chunks: 0 }, "messages are found now");
JS
