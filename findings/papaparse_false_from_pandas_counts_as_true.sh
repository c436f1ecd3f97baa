#!/usr/bin/env bash
# Papa Parse and D3 read pandas' False as text, which JavaScript counts as true, and "false" as a boolean.
#
# Versions: papaparse 5.7.1, d3-dsv 3.0.2, with Node.js 20 (Debian: nodejs, npm); pandas 3.1.1, numpy
#   2.4.6.
# One would guess: `dynamicTyping` and `autoType` make booleans of a column of True and False, as pandas and Polars do
#   when they read it. Papa Parse takes "true" and "TRUE".
# What happens: only "true", "false" and, for Papa Parse, "TRUE" and "FALSE" are booleans. Python's spelling stays text,
#   with its numbers converted beside it.
# Seen: ten clips from pandas' `to_csv`, one of them safe. `rows.filter(row => row.safe)` keeps all ten with both
#   packages. With the same file in small letters it keeps one.
# Why it matters: a page for labels or plots that reads a file from Python counts every clip as safe, every episode as
#   ended, every crash as one. Nothing is missing and no type looks wrong in a table.
# Way round: write integers (`table.astype({"safe": int})`), or compare with the text: `row.safe === "True"`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pandas==3.1.1 numpy==2.4.6
npm install --silent --no-audit --no-fund papaparse@5.7.1 d3-dsv@3.0.2
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import pandas

print({name: version(name) for name in ("pandas", "numpy")})
clips = pandas.DataFrame({"clip": range(10), "cost": [0.5] * 10, "safe": [number == 3 for number in range(10)]})
clips.to_csv("clips.csv", index=False)
clips.astype({"safe": int}).to_csv("integers.csv", index=False)
assert pandas.read_csv("clips.csv").safe.sum() == 1
PY
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { autoType, csvParse } from "d3-dsv";
import Papa from "papaparse";

const version = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;
console.log({ papaparse: version("papaparse"), "d3-dsv": version("d3-dsv"), node: process.version });
const readers = {
  papaparse: (text) => Papa.parse(text, { header: true, dynamicTyping: true, skipEmptyLines: true }).data,
  "d3-dsv": (text) => csvParse(text, autoType),
};
const text = readFileSync("clips.csv", "utf8");
for (const [name, read] of Object.entries(readers)) {
  const safe = (text) => read(text).filter((row) => row.safe).length;
  console.log(name, read(text)[0], "safe clips:", safe(text), "in small letters:", safe(text.toLowerCase()));
  assert.deepEqual({ ...read(text)[0] }, { clip: 0, cost: 0.5, safe: "False" }, "False is a boolean now");
  assert.equal(safe(text), 10);
  assert.equal(safe(text.toLowerCase()), 1);
  assert.equal(safe(readFileSync("integers.csv", "utf8")), 1, "the way round fails");
  assert.equal(read(text).filter((row) => row.safe === "True").length, 1, "the way round fails");
}
JS
