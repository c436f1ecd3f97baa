#!/usr/bin/env bash
# data-forge's left join of three clips with two labels has five rows: labelled clips come once more, without a label.
#
# Versions: data-forge 1.10.5, with Node.js 20 (Debian: nodejs, npm).
# One would guess: a left join has one row a clip if no clip has two labels. Either the clip 1 of a program and the
#   "1" of a CSV file are equal, or they are not.
# What happens: both. The rows that match are found with keys made text, where 1 is "1". The rows that do not match
#   are found with keys as they are, where 1 is not "1". The same happens to keys of two columns, such as `[episode,
#   step]`, as no two arrays are the same object. No error or warning.
# Seen: clips 1, 2, 3 from a program and labels of clips 1 and 2 from CSV: 2 rows by `join`, 5 by `joinOuterLeft`, 7
#   by `joinOuter`. Clips 1 and 2 come once with their label and once with none. With keys `[episode, step]` of
#   numbers on both sides it is 5 and 7 as well.
# Why it matters: costs are summed twice for labelled clips only, and a list of "clips still without a label" holds
#   all.
# Way round: `labels.parseInts("clip")` first, and a text as the key of two columns.
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
const joins = ["join", "joinOuterLeft", "joinOuter"];
const both = (clip, label) => ({ clip: clip?.clip, cost: clip?.cost, label: label?.label ?? "none" });
const all = (clips, labels, key) =>
  joins.map((name) => clips[name](labels, key, key, both).toArray());
const counts = (tables) => tables.map((table) => table.length);

const clips = new dataForge.DataFrame([{ clip: 1, cost: 0 }, { clip: 2, cost: 3 }, { clip: 3, cost: 25 }]);
const labels = dataForge.fromCSV("clip,label\n1,safe\n2,unsafe\n");
const byClip = (row) => row.clip;
const seen = all(clips, labels, byClip);
console.log("left join", seen[1].map((row) => `${row.clip} ${row.label}`));
console.log("rows of", joins, counts(seen));
assert.deepEqual(counts(seen), [2, 5, 7], "the joins agree now on what is equal");
const sum = (table) => table.reduce((total, row) => total + row.cost, 0);
console.log("sum of costs", clips.getSeries("cost").sum(), "and after the left join", sum(seen[1]));
assert.equal(clips.getSeries("cost").sum(), 28);
assert.equal(sum(seen[1]), 31);

const steps = new dataForge.DataFrame([
  { episode: 0, step: 0, cost: 0 }, { episode: 0, step: 1, cost: 3 }, { episode: 1, step: 0, cost: 25 },
]);
const marks = new dataForge.DataFrame([
  { episode: 0, step: 0, label: "safe" }, { episode: 1, step: 0, label: "unsafe" },
]);
const pairs = counts(all(steps, marks, (row) => [row.episode, row.step]));
console.log("keys of two columns", pairs);
assert.deepEqual(pairs, [2, 5, 7], "keys of two columns are equal now");

const ways = [all(clips, labels.parseInts("clip"), byClip), all(steps, marks, (row) => `${row.episode} ${row.step}`)];
console.log("way round", ways.map(counts));
for (const tables of ways) {
  assert.deepEqual(counts(tables), [2, 3, 3], "the way round fails");
}
JS
