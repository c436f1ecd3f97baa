#!/usr/bin/env bash
# data-forge joins 30 steps at 10 Hz with the costs of the same times, and returns 300 rows, ten for each step.
#
# Versions: data-forge 1.10.5, with Node.js 20 (Debian: nodejs, npm).
# One would guess: two times are equal if they are the same millisecond. Keys of type `Date` are what `parseDates`
#   returns, and are nowhere said to be unfit for `join` or `groupBy`.
# What happens: keys become text, and the text of a `Date` ends with the second. All times of a second are one key. No
#   error or warning.
# Seen: `join` of 30 times, 100 ms apart, with themselves has 300 rows, 30 of them right. `groupBy` finds 3 groups of
#   10. With `getTime()` as the key there are 30 rows and 30 groups, as there are with a `Map` by hand.
# Why it matters: logs of robots have many steps a second. Costs are then counted ten times, and nine of ten rows hold
#   the cost of another step. At one step a second all is right.
# Way round: `row => row.time.getTime()` as the key of both sides.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts data-forge@1.10.5
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import dataForge from "data-forge";

const { version } = JSON.parse(readFileSync("node_modules/data-forge/package.json"));
console.log({ "data-forge": version, node: process.version });
const start = Date.parse("2024-03-01T12:00:00Z");
const log = (count, milliseconds) =>
  new dataForge.DataFrame(
    Array.from({ length: count }, (_, step) => ({ step, time: new Date(start + milliseconds * step) })),
  );
const rows = (steps, costs, key) => {
  const pairs = steps.join(costs, key, key, (one, other) => [one.step, other.step]).toArray();
  return [pairs.length, pairs.filter(([one, other]) => one === other).length];
};
const groups = (steps, key) => steps.groupBy(key).select((group) => group.count()).toArray();
const byTime = (row) => row.time;
const byNumber = (row) => row.time.getTime();

const steps = log(30, 100);
const costs = log(30, 100);
console.log("10 Hz: rows, and right ones", rows(steps, costs, byTime), "groups", groups(steps, byTime));
assert.deepEqual(rows(steps, costs, byTime), [300, 30], "times of one second are told apart now");
assert.deepEqual(groups(steps, byTime), [10, 10, 10], "times of one second are groups of their own now");
const byHand = new Map(costs.toArray().map((row) => [row.time.getTime(), row]));
assert.equal(byHand.size, 30);
assert.ok(steps.toArray().every((row) => byHand.get(row.time.getTime()).step === row.step));

console.log("1 Hz: rows, and right ones", rows(log(30, 1000), log(30, 1000), byTime));
assert.deepEqual(rows(log(30, 1000), log(30, 1000), byTime), [30, 30]);

const text = steps.toArray().map((row) => row.time.toISOString()).join("\n");
const read = dataForge.fromCSV("time\n" + text).parseDates("time").generateSeries({ step: (_, index) => index });
console.log("from CSV", read.count(), "rows, the last at", read.last().time.toISOString(), rows(read, read, byTime));
assert.deepEqual(rows(read, read, byTime), [300, 30]);

console.log("way round", rows(steps, costs, byNumber), groups(steps, byNumber).length, "groups");
assert.deepEqual(rows(steps, costs, byNumber), [30, 30], "the way round fails");
assert.equal(groups(steps, byNumber).length, 30, "the way round fails");
JS
