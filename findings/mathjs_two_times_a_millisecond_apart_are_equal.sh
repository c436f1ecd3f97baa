#!/usr/bin/env bash
# mathjs takes two times of today that lie a millisecond apart for equal, and does not sort a log at 1 kHz.
#
# Versions: mathjs 15.2.0, with Node.js 20 (Debian: nodejs, npm).
# One would guess: `larger(a, b)` of two whole numbers is `a > b`, and `max` returns the largest.
# What happens: all comparisons, and what is built on them, allow a relative difference of 1e-12. Times since 1970 in
#   milliseconds are above 1e12. The option relTol is documented for comparisons. Pages of max and sort do not name it.
# Seen: of t and t + 1 `larger` is false and `max` gives t. Six steps of a log at 1 kHz in reverse order stay so when
#   sorted. In microseconds a gap of 1 ms is lost too, as the numbers are larger by as much.
# Why it matters: a log sorted by time keeps steps of 1 kHz in the wrong order, and the last step is not found. A limit
#   on such a time does not hold.
# Way round: `create(all, { relTol: 1e-15, absTol: 1e-15 })`, or plain JavaScript.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund mathjs@15.2.0
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { all, create } from "mathjs";

const { version } = JSON.parse(readFileSync("node_modules/mathjs/package.json"));
console.log({ mathjs: version, node: process.version });
const start = 1_700_000_000_000;
const log = [5, 4, 3, 2, 1, 0].map((step) => start + step);
const look = (math) => {
  const sorted = math.sort(log);
  return {
    larger: math.larger(start + 1, start),
    max: math.max(start, start + 1) - start,
    gaps: sorted.slice(1).map((time, i) => time - sorted[i]),
    microseconds: math.larger(1000 * (start + 1), 1000 * start),
  };
};
const seen = look(create(all));
console.log(seen);
assert.equal(start + 1 > start, true);
assert.deepEqual([seen.larger, seen.max, seen.microseconds], [false, 0, false], "a millisecond is seen now");
assert.deepEqual(seen.gaps, [-1, -1, -1, -1, -1], "the log is sorted now");
const exact = look(create(all, { relTol: 1e-15, absTol: 1e-15 }));
console.log(exact);
assert.deepEqual(exact, { larger: true, max: 1, gaps: [1, 1, 1, 1, 1], microseconds: true }, "the way round fails");
JS
