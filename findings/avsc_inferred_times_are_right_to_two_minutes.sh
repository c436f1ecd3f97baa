#!/usr/bin/env bash
# avsc infers 32-bit floats for the numbers of a log: a time stamp in seconds comes back up to 64 s off.
#
# Versions: avsc 5.7.9, with Node.js 20 (Debian: nodejs, npm).
# One would guess: double, as every number of JavaScript is one, or the smallest type that gives the number back.
# What happens: `Type.forValue` takes "int" for integers of 32 bits, and "float" for all others below 2^53. A float has
#   24 bits. Only still larger numbers get "double". Integers like 1700000001000 become floats too.
# Seen: a time of 1700000050.25 s comes back as 1700000000, a northing of 5800000.37 m as 5800000.5, a step of
#   1700000001000 ms as 1700000038912. There is no warning, and `isValid` is true.
# Why it matters: 125 steps at 1 Hz get one and the same time. Positions move by up to 25 cm. Whoever reads the file
#   in Python gets the same numbers.
# Way round: a `valueHook` that returns `Type.forSchema("double")` for numbers, or a schema written by hand.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund avsc@5.7.9
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import avro from "avsc";

const { version } = JSON.parse(readFileSync("node_modules/avsc/package.json"));
console.log({ avsc: version, node: process.version });
const row = { seconds: 1700000050.25, northing: 5800000.37, milliseconds: 1700000001000 };
const back = (options) => {
  const type = avro.Type.forValue(row, options);
  assert.equal(type.isValid(row), true);
  const found = { ...type.fromBuffer(type.toBuffer(row)) };
  console.log(type.fields.map((field) => `${field.name}: ${field.type.typeName}`).join(", "), found);
  return found;
};
const inferred = back();
assert.deepEqual(inferred, { seconds: 1700000000, northing: 5800000.5, milliseconds: 1700000038912 }, "it has changed");
const type = avro.Type.forValue(row);
const times = Array.from({ length: 125 }, (_, step) => row.seconds - 112 + step + 0.0);
const distinct = new Set(times.map((seconds) => type.fromBuffer(type.toBuffer({ ...row, seconds })).seconds));
console.log("distinct times of 125 steps", distinct.size);
assert.equal(distinct.size, 1, "steps have times of their own now");
const valueHook = (value) => (typeof value === "number" ? avro.Type.forSchema("double") : undefined);
assert.deepEqual(back({ valueHook }), row, "the way round fails");
JS
