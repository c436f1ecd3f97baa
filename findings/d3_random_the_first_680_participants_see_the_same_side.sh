#!/usr/bin/env bash
# d3-random's generator begins with a number below a half for every seed from 0 to 681.
#
# Versions: d3-random 3.0.2, d3-array 3.2.5, with Node.js 20 (Debian: nodejs, npm).
# One would guess: another seed, another number: of the participants 1 to 300 about half begin below 0.5.
# What happens: an integer seed is the state of a linear generator as it is. One step moves it by 0.0004 a seed, so
#   neighbours begin at almost the same number. The documentation allows any integer.
# Seen: seeds 0 to 681 begin between 0.236 and 0.49999, and 682 is the first above a half. Of four shuffled clips "b"
#   comes last for 265 of 300 participants, "c" and "d" never. 75 each are expected.
# Why it matters: pages of comparisons seed by the number of the participant, so that an order can be made again. All
#   see the same clip on the left first. A preference for the left is then one for that clip.
# Way round: a seed between 0 and 1 that is spread evenly, such as a hash of the number over 2 ** 32.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund d3-random@3.0.2 d3-array@3.2.5
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { shuffler } from "d3-array";
import { randomLcg } from "d3-random";

const versions = ["d3-random", "d3-array"].map((name) => {
  const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`));
  return [name, version];
});
console.log({ ...Object.fromEntries(versions), node: process.version });
const numbers = (count) => Array.from({ length: count }, (_, seed) => seed);
const participants = numbers(300).map((seed) => seed + 1);
const firsts = numbers(682).map((seed) => randomLcg(seed)());
const next = randomLcg(682)();
console.log("seeds 0 to 681 begin between", Math.min(...firsts), "and", Math.max(...firsts), "and 682 with", next);
assert(Math.min(...firsts) > 0.236 && Math.max(...firsts) < 0.5 && next >= 0.5, "seeds begin elsewhere now");
const last = (clip, random) =>
  participants.filter((seed) => shuffler(random(seed))(["a", "b", "c", "d"])[3] === clip).length;
const lasts = Object.fromEntries(["a", "b", "c", "d"].map((clip) => [clip, last(clip, randomLcg)]));
console.log("times in the last place of four, of 300:", lasts);
assert.deepEqual(lasts, { a: 35, b: 265, c: 0, d: 0 }, "the orders have changed");
const hash = (seed) => createHash("sha256").update(String(seed)).digest().readUInt32BE() / 2 ** 32;
const left = participants.filter((seed) => randomLcg(hash(seed))() < 0.5).length;
const spread = ["a", "b", "c", "d"].map((clip) => last(clip, (seed) => randomLcg(hash(seed))));
console.log("with hashes:", left, "of 300 begin below a half, last places", spread);
assert(left > 110 && left < 190 && spread.every((count) => count > 45 && count < 105), "the way round fails");
JS
