#!/usr/bin/env bash
# AlaSQL finds three clips whose cost is not above 25 where SQL finds one: two of them have no cost.
#
# Versions: alasql 4.19.1, with Node.js 20 (Debian: nodejs, npm), and Python's sqlite3.
# One would guess: SQL's NULL. A comparison with it is neither true nor false, NOT leaves it so, and the row is out.
# What happens: the comparison gives something that JavaScript takes for false, and NOT makes true of it. A join takes
#   two missing keys for equal. Without NOT the answer is that of SQL.
# Seen: costs of 4, 30, null and none at all. `cost <= 25` finds one row, `NOT (cost > 25)` three. A clip without an
#   annotator gets the label of an answer without one. SQLite finds one row both times, and no label.
# Why it matters: "clips that are not above the limit" then holds all clips that were never judged, and a page shows
#   them as safe.
# Way round: write the comparison out, without NOT, and add `AND annotator IS NOT NULL` to joins.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts alasql@4.19.1
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import alasql from "alasql";

const { version } = JSON.parse(readFileSync("node_modules/alasql/package.json"));
console.log({ alasql: version, node: process.version });
const clips = [{ cost: 4 }, { cost: 30 }, { cost: null }, {}];
const count = (condition) => alasql(`SELECT COUNT(*) AS n FROM ? WHERE ${condition}`, [clips])[0].n;
const stated = { "cost <= 25": 1, "NOT (cost > 25)": 3, "NOT (cost > 25) AND cost IS NOT NULL": 1 };
for (const [condition, found] of Object.entries(stated)) {
  console.log(condition, "finds", count(condition));
  assert.equal(count(condition), found, "comparisons with null have changed");
}
const joined = alasql("SELECT a.clip, b.label FROM ? AS a JOIN ? AS b ON a.annotator = b.annotator", [
  [{ clip: 0, annotator: 7 }, { clip: 1, annotator: null }],
  [{ annotator: 7, label: "unsafe" }, { annotator: null, label: "safe" }],
]);
console.log("joined", joined);
const labels = joined.map((row) => row.label);
assert.deepEqual(labels, ["unsafe", "safe"], "missing keys are no longer equal");
JS
python3 -I - <<'PY'
import sqlite3

print({"sqlite": sqlite3.sqlite_version})
database = sqlite3.connect(":memory:")
database.execute("CREATE TABLE clip (cost REAL)")
database.executemany("INSERT INTO clip VALUES (?)", [(4,), (30,), (None,), (None,)])
for condition in ("cost <= 25", "NOT (cost > 25)"):
    found = database.execute("SELECT COUNT(*) FROM clip WHERE " + condition).fetchone()[0]
    print(condition, "finds", found)
    assert found == 1
assert database.execute("SELECT NULL = NULL").fetchone()[0] is None
PY
