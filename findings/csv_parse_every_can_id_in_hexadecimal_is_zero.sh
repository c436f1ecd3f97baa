#!/usr/bin/env bash
# csv-parse with `cast` reads the CAN ids 0x10, 0x1A0 and 0x7FF as one and the same number, 0.
#
# Versions: csv-parse 7.0.3, with Node.js 20 (Debian: nodejs, npm).
# One would guess: `cast: true` makes numbers of what is one and leaves the rest as text. So "0x1A0" is 416, as
#   JavaScript's `Number` says, or it stays "0x1A0".
# What happens: the text counts as a number because JavaScript can subtract it. It is then read by `parseFloat`, which
#   stops at the x.
# Seen: a log of three CAN messages with the ids 0x10, 0x1A0 and 0x7FF. All ids are the number 0, so the signals of
#   three devices are one series. The binary and octal masks 0b101 and 0o17 are 0, too. "1A0" without 0x stays text.
# Why it matters: ids, masks and error codes of vehicles are written in hexadecimal. Messages of the brake and of the
#   radio become one, and every mask of a fault says "none".
# Way round: `cast` as a function, for the columns that hold decimal numbers, with `Number(text)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund csv-parse@7.0.3
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";

const { version } = JSON.parse(readFileSync("node_modules/csv-parse/package.json"));
console.log({ "csv-parse": version, node: process.version });
const log = "id,speed\n0x10,1.5\n0x1A0,20\n0x7FF,300\n";
const ids = (text, cast) => parse(text, { columns: true, cast }).map((row) => row.id);

console.log("ids", ids(log, true), "by Number", ids(log, false).map(Number));
assert.deepEqual(ids(log, true), [0, 0, 0], "hexadecimal ids are no longer 0");
assert.deepEqual(ids("id\n0b101\n0o17\n1A0\n12\n", true), [0, 0, "1A0", 12]);
assert.deepEqual(ids(log, false).map(Number), [0x10, 0x1a0, 0x7ff]);

const cast = (text, { column, header }) => (header || column === "note" ? text : Number(text));
assert.deepEqual(ids(log, cast), [0x10, 0x1a0, 0x7ff], "the way round fails");
JS
