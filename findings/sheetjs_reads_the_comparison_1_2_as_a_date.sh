#!/usr/bin/env bash
# SheetJS reads the pair of clips "1-2" of a CSV as the day 36893, and the pair "13-2" as text.
#
# Versions: xlsx 0.18.5 (the newest on npm), with Node.js 20 (Debian: nodejs, npm).
# One would guess: text that is no number stays text. A spreadsheet program may take "1-2" for a date, but a library
#   that reads data does not.
# What happens: whatever can be read as a month and a day becomes a date of 2001, and comes back as the number of days
#   since 1900. "$5" is 5, "(5)" is -5 and "5%" is 0.05.
# Seen: the pairs 1-2, 2-1, 12-3 and 13-2 come back as 36893, 36923, 37228 and the text "13-2". As 1-2 and 01-02 are one
#   day, they are one pair. A step 1/2 of an episode is a day as well.
# Why it matters: comparisons are named by their pair of clips, and cross validations by fold and run. Only the small
#   numbers change, so one file holds numbers and text, and answers no longer find their pair.
# Way round: `XLSX.read(text, { type: "string", raw: true })`, which leaves all cells as text.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund xlsx@0.18.5
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import XLSX from "xlsx";

console.log({ xlsx: JSON.parse(readFileSync("node_modules/xlsx/package.json")).version, node: process.version });
const pairs = ["1-2", "2-1", "12-3", "13-2", "01-02", "1/2"];
const answers = [...pairs, "$5", "(5)", "5%"];

/** The first column of a CSV file with these cells, as SheetJS reads it. */
function read(cells, options = {}) {
  const book = XLSX.read(["pair", ...cells].join("\n"), { type: "string", ...options });
  return XLSX.utils.sheet_to_json(book.Sheets[book.SheetNames[0]]).map((row) => row.pair);
}

const got = read(answers);
console.log(Object.fromEntries(answers.map((cell, row) => [cell, got[row]])));
assert.ok(got.every((cell, row) => (answers[row] === "13-2") === (typeof cell === "string")), "pairs stay text now");
assert.deepEqual(got.slice(0, 4), [36893, 36923, 37228, "13-2"]);
assert.ok(got[4] === got[0] && got[5] === got[0]);
assert.deepEqual(got.slice(6), [5, -5, 0.05]);
assert.deepEqual(read(answers, { raw: true }), answers, "the way round fails");
JS
