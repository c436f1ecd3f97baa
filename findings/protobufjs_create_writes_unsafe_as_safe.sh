#!/usr/bin/env bash
# protobuf.js writes the label "UNSAFE" as SAFE, and the text "false" as true, when a message is made by `create`.
#
# Versions: protobufjs 8.8.1, with Node.js 20 (Debian: nodejs, npm).
# One would guess: the name of an enum value is accepted, as `fromObject` does, or `encode` is an error.
# What happens: `create` copies what it is given, and `encode` does not check. A name is no number and is written as 0,
#   which is the first value of the enum. The documentation says that only valid messages may be encoded.
# Seen: {label: "UNSAFE", p_safe: "0.1", step: 3.7, reviewed: "false"} comes back with label SAFE, p_safe 0.1, step 3 and
#   reviewed true. `verify` of the same object says "label: enum value expected". `fromObject` keeps the label.
# Why it matters: labels come from forms and JSON files as names. An enum begins with the harmless value. No error is
#   seen at either end.
# Way round: `Type.fromObject(...)`, and `Type.verify(...)` of what was made before.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund protobufjs@8.8.1
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import protobuf from "protobufjs";

const { version } = JSON.parse(readFileSync("node_modules/protobufjs/package.json"));
console.log({ protobufjs: version, node: process.version });
const schema = `syntax = "proto3";
  enum Label { SAFE = 0; UNSAFE = 1; }
  message Answer { Label label = 1; double p_safe = 2; int32 step = 3; bool reviewed = 4; }`;
const Answer = protobuf.parse(schema, { keepCase: true }).root.lookupType("Answer");
const given = { label: "UNSAFE", p_safe: "0.1", step: 3.7, reviewed: "false" };
const back = (message) => {
  const read = Answer.decode(Answer.encode(message).finish());
  return Answer.toObject(read, { enums: String, defaults: true });
};
const created = back(Answer.create(given));
const converted = back(Answer.fromObject(given));
console.log("create", created, "fromObject", converted, "verify", Answer.verify(given));
assert.deepEqual(created, { label: "SAFE", p_safe: 0.1, step: 3, reviewed: true }, "create has changed");
assert.match(Answer.verify(given), /label: enum value expected/, "the way round fails");
assert.equal(converted.label, "UNSAFE", "the way round fails");
JS
