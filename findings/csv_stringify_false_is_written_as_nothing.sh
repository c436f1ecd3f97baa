#!/usr/bin/env bash
# csv-stringify writes the label false as an empty field, as it writes a label that is missing.
#
# Versions: csv-stringify 6.9.0, with Node.js 20 (Debian: nodejs, npm); pandas 3.1.1, numpy 2.4.6.
# One would guess: true and false, or 1 and 0. Two values that were different are different in the file.
# What happens: true becomes "1", and false the empty text. null and undefined become the empty text too. This is how
#   booleans are cast unless a function for them is given.
# Seen: ten clips: two safe, five unsafe, three that nobody labelled. The file has "1" twice and eight empty fields.
#   pandas reads two labels, all 1.0, and eight missing ones: 100% of the labelled clips are safe, not 29%.
# Why it matters: unsafe clips become clips without a label. They are sent to annotators again, or left out, and what is
#   left for learning is safe without an exception.
# Way round: `stringify(rows, { cast: { boolean: (value) => (value ? "true" : "false") } })`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pandas==3.1.1 numpy==2.4.6
npm install --silent --no-audit --no-fund csv-stringify@6.9.0
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { stringify } from "csv-stringify/sync";

const { version } = JSON.parse(readFileSync("node_modules/csv-stringify/package.json"));
console.log({ "csv-stringify": version, node: process.version });
const labels = [true, true, false, false, false, false, false, null, null, null];
const rows = labels.map((safe, clip) => ({ clip, safe }));
const text = stringify(rows, { header: true });
console.log(JSON.stringify(text));
const fields = text.trimEnd().split("\n").slice(1).map((line) => line.split(",")[1]);
assert.deepEqual(fields, ["1", "1", ...Array(8).fill("")], "false is written now");
writeFileSync("labels.csv", text);
const words = { cast: { boolean: (value) => (value ? "true" : "false") } };
writeFileSync("words.csv", stringify(rows, { header: true, ...words }));
JS
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import pandas as pd

print({name: version(name) for name in ("pandas", "numpy")})
safe = pd.read_csv("labels.csv")["safe"]
print("labelled", safe.count(), "of them safe", safe.mean())
assert safe.count() == 2 and safe.mean() == 1, "false is read now"
words = pd.read_csv("words.csv")["safe"].dropna()
assert len(words) == 7 and (words.astype(str).str.lower() == "true").sum() == 2, "the way round fails"
PY
