#!/usr/bin/env bash
# Tidy.js joins two tables with a column of the same name into one column that holds some values of each.
#
# Versions: @tidyjs/tidy 2.6.1, with Node.js 20 (Debian: nodejs, npm).
# One would guess: two columns, such as "safe.x" and "safe.y" in dplyr, which the package follows, or an error.
# What happens: objects of a row are merged. Where a row has a partner, the value of the right table replaces that of
#   the left. Where it has none, the value of the left one stays.
# Seen: five clips that people call unsafe, joined by clip with the answers of a model for three of them, all "safe".
#   The column "safe" is true, true, true, false, false. The people's first three labels are gone.
# Why it matters: tables of labels from people and from models both call their column "safe" or "score". The result
#   looks complete. An agreement of people and model cannot be computed, and no row tells whose label it holds.
# Way round: rename before: `leftJoin(tidy(model, rename({ safe: "safe_model" })), { by: "clip" })`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund @tidyjs/tidy@2.6.1
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { innerJoin, leftJoin, rename, tidy } from "@tidyjs/tidy";

const { version } = JSON.parse(readFileSync("node_modules/@tidyjs/tidy/package.json"));
console.log({ tidy: version, node: process.version });
const people = [1, 2, 3, 4, 5].map((clip) => ({ clip, safe: false }));
const model = [1, 2, 3].map((clip) => ({ clip, safe: true }));
const left = tidy(people, leftJoin(model, { by: "clip" }));
const inner = tidy(people, innerJoin(model, { by: "clip" }));
console.log({ left, inner });
assert.deepEqual(Object.keys(left[0]), ["clip", "safe"], "the join has two columns now");
assert.deepEqual(left.map((row) => row.safe), [true, true, true, false, false], "labels are no longer mixed");
assert.deepEqual(inner.map((row) => row.safe), [true, true, true], "the inner join keeps the labels of people now");
const renamed = tidy(people, leftJoin(tidy(model, rename({ safe: "safe_model" })), { by: "clip" }));
console.log(renamed);
assert(renamed.every((row) => row.safe === false), "the way round fails");
assert.deepEqual(renamed.map((row) => row.safe_model ?? null), [true, true, true, null, null], "the way round fails");
JS
