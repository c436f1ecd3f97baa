#!/usr/bin/env bash
# Day.js reads `00:00:00.5` as 5 ms after midnight, and `00:00:00.25` as 25: the later step comes first.
#
# Versions: dayjs 1.11.23, with Node.js 20 (Debian: nodejs, npm).
# One would guess: digits after the point of a second are its decimal fraction, as in ISO 8601 and for `new Date`,
#   with or without a time zone.
# What happens: without a zone, the first three digits are taken for a number of milliseconds, also where there are
#   only one or two. `dayjs.utc` does the same. With a Z or an offset, and with three digits or more, all is right.
#   The result is valid, and nothing is said.
# Seen: .5, .25 and .75 become 5, 25 and 75 ms. Steps each quarter of a second, as DuckDB 2.0.1 prints them: 0, .25,
#   .5, .75, 1 become 0, 25, 5, 75, 1000 ms. Sorted by time the third step is second, and the longest gap between two
#   steps is 925 ms and not 250.
# Why it matters: databases print times without a zone and leave out the zeros at the end, so every log with steps of
#   0.1, 0.25 or 0.5 s is hit, and not only in a few rows. Clips cut by time on a page show other steps, and speeds
#   are wrong up to the hundredfold.
# Way round: add "Z" where times are UTC, or `dayjs(new Date(text))`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund dayjs@1.11.23
TZ=UTC node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import dayjs from "dayjs";
import utc from "dayjs/plugin/utc.js";

dayjs.extend(utc);
console.log({ dayjs: JSON.parse(readFileSync("node_modules/dayjs/package.json")).version, node: process.version });
const fractions = ["", ".25", ".5", ".75"];
const texts = [...fractions.map((one) => `2026-01-01 00:00:00${one}`), "2026-01-01 00:00:01"];
const start = Date.UTC(2026, 0, 1);
const after = (read, list = texts) => list.map((text) => read(text).valueOf() - start);
const gap = (times) => Math.max(...times.slice(1).map((time, step) => time - times[step]));
const seen = after((text) => dayjs(text));
const sorted = seen.toSorted((a, b) => a - b);
console.log("ms after midnight", seen, "longest gap", gap(sorted));
assert.ok(texts.every((text) => dayjs(text).isValid()));
assert.deepEqual(seen, [0, 25, 5, 75, 1000], "fractions are read otherwise now");
assert.deepEqual(after((text) => dayjs.utc(text)), seen, "dayjs.utc is another now");
assert.deepEqual(after((text) => dayjs(text.replace(" ", "T"))), seen, "a T makes a difference now");
assert.equal(gap(sorted), 925);
const right = [0, 250, 500, 750, 1000];
const thousandths = texts.map((text, step) => (step && step < 4 ? text.padEnd(23, "0") : text));
const ways = {
  "new Date": after((text) => new Date(text)),
  "with Z": after((text) => dayjs(`${text}Z`)),
  "with +00:00": after((text) => dayjs(`${text.replace(" ", "T")}+00:00`)),
  "three digits": after((text) => dayjs(text), thousandths),
  "dayjs of Date": after((text) => dayjs(new Date(text))),
};
console.log(ways);
for (const [way, times] of Object.entries(ways)) assert.deepEqual(times, right, `${way} is another now`);
JS
