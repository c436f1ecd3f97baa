#!/usr/bin/env bash
# Vega reads the names "clip 1" to "clip 12" as days of the year 2001, and leaves them alone once there is a "clip 13".
#
# Versions: vega-loader 5.1.3, with Node.js 20 (Debian: nodejs, npm).
# One would guess: a date is recognised by its form, as 2026-01-31. A word with a number after it is text.
# What happens: with `parse: "auto"` a column is one of dates if JavaScript's `Date.parse` takes every value. V8 skips
#   unknown words and takes 1 to 12 for a month of 2001, and 32 to 49 for a year.
# Seen: "clip 1", "clip 2" and "clip 12" become the first of January, February and December 2001, as do "seed 1" and
#   "run-1". "clip 40" is the year 2040. With "clip 13" among them, all stay text.
# Why it matters: clips, seeds and runs are numbered from 1. On a page their axis becomes one of time, clips are sorted
#   and spaced by month, and a join with the names finds nothing. A longer list works.
# Way round: name the types: `parse: {clip: "string", cost: "number"}`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund vega-loader@5.1.3
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { inferType, read } from "vega-loader";

const { version } = JSON.parse(readFileSync("node_modules/vega-loader/package.json"));
console.log({ "vega-loader": version, node: process.version });
const text = (names) => "clip,cost\n" + names.map((name, i) => `${name},${i}`).join("\n");
const auto = (names) => read(text(names), { type: "csv", parse: "auto" }).map((row) => row.clip);
const numbered = (word, count) => Array.from({ length: count }, (_, i) => word + (i + 1));
for (const word of ["clip ", "seed ", "run-"]) {
  const [twelve, thirteen] = [12, 13].map((count) => numbered(word, count));
  console.log(word, inferType(twelve), inferType(thirteen), new Date(auto(twelve)[1]).toDateString());
  const months = twelve.map((_, i) => new Date(2001, i, 1).getTime());
  assert.deepEqual(auto(twelve).map(Number), months, "twelve names are no dates now");
  assert.deepEqual(auto(thirteen), thirteen, "thirteen names are no text now");
}
console.log("clip 40:", new Date(auto(["clip 40"])[0]).toDateString());
assert.equal(new Date(auto(["clip 40"])[0]).getFullYear(), 2040);
const typed = read(text(numbered("clip ", 12)), { type: "csv", parse: { clip: "string", cost: "number" } });
assert.deepEqual(typed[11], { clip: "clip 12", cost: 11 }, "the way round fails");
JS
