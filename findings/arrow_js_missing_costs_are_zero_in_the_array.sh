#!/usr/bin/env bash
# Arrow's `toArray` in JavaScript gives 0 for a missing cost, and 14336 for a half.
#
# Versions: apache-arrow 21.2.0, with Node.js 20 (Debian: nodejs, npm); pyarrow 26.0.1.
# One would guess: `column.toArray()` holds what `column.get(row)` gives. NaN or null stands for a missing number, as in
#   Python, where `to_numpy` makes NaN of it.
# What happens: it returns the memory of the values. Arrow marks a missing value elsewhere, and its place there holds
#   anything, mostly 0. A column of float16 comes as its bits, in a Uint16Array.
# Seen: costs 2, missing, 4 written by pyarrow. `get` gives 2, null, 4. `toArray` gives 2, 0, 4, and a mean of 2 where
#   it is 3. The float16 values .5 and 1.5 are 14336 and 15872.
# Why it matters: `toArray` is the fast way into charts and statistics. Episodes whose cost nobody recorded look like
#   episodes without any cost.
# Way round: `Array.from(column)`, which holds null, or a look at `column.nullCount` and at the type first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pyarrow==26.0.1
npm install --silent --no-audit --no-fund apache-arrow@21.2.0
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import pyarrow
from pyarrow import ipc

print({name: version(name) for name in ("pyarrow",)})
costs = pyarrow.array([2.0, None, 4.0], pyarrow.float64())
halves = pyarrow.array([0.5, 1.5, None], pyarrow.float32()).cast(pyarrow.float16())
steps = pyarrow.array([1, None, 3], pyarrow.int64())
table = pyarrow.table({"cost": costs, "half": halves, "step": steps})
with ipc.new_file("log.arrow", table.schema) as file:
    file.write_table(table)
PY
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { tableFromIPC } from "apache-arrow";

const { version } = JSON.parse(readFileSync("node_modules/apache-arrow/package.json"));
console.log({ "apache-arrow": version, node: process.version });
const table = tableFromIPC(readFileSync("log.arrow"));
const [cost, half, step] = ["cost", "half", "step"].map((name) => table.getChild(name));
for (const column of [cost, half, step]) {
  console.log(column.type.toString(), "get", [0, 1, 2].map((row) => column.get(row)), "toArray", column.toArray());
}
assert.deepEqual([0, 1, 2].map((row) => cost.get(row)), [2, null, 4]);
const array = cost.toArray();
assert.deepEqual([...array], [2, 0, 4], "a missing cost is no 0 now");
assert.equal(array.reduce((sum, one) => sum + one) / array.length, 2);
assert.deepEqual([...half.toArray()].slice(0, 2), [14336, 15872], "float16 comes as numbers now");
assert.equal(half.get(0), 0.5);
assert.equal(step.toArray()[1], 0n);

assert.deepEqual(Array.from(cost), [2, null, 4], "the way round fails");
assert.equal(Array.from(half)[1], 1.5, "the way round fails");
assert.equal(cost.nullCount, 1);
JS
