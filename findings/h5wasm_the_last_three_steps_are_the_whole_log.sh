#!/usr/bin/env bash
# h5wasm's slice of the last three steps, from -3, gives the whole log, and h5py's the last three.
#
# Versions: h5wasm 0.10.3, with Node.js 20 (Debian: nodejs, npm); h5py 3.16.0, numpy 2.4.6.
# One would guess: a negative start counts from the end, as in `slice` of JavaScript's arrays and in h5py, or an error.
# What happens: a negative start is taken for 0, without a warning.
# Seen: costs 0 to 9. `slice([[-3, 10]])` and `slice([[-3]])` have ten values, those of an array and of h5py three. In a
#   table of episodes [[-1]] is not the last row but all rows.
# Why it matters: a page that sums the cost of the last steps, or shows how a clip ends, sums and shows all of it. The
#   first value is that of the start.
# Way round: `slice([[Math.max(0, data.shape[0] - 3)]])`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq h5py==3.16.0 numpy==2.4.6
npm install --silent --no-audit --no-fund h5wasm@0.10.3
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import h5py
import numpy as np

print({name: version(name) for name in ("h5py", "numpy")})
with h5py.File("log.h5", "w") as file:
    file["cost"] = np.arange(10.0)
    file["episodes"] = np.arange(6.0).reshape(3, 2)
    print("h5py", file["cost"][-3:10], file["episodes"][-1:])
    assert file["cost"][-3:10].tolist() == [7, 8, 9], "h5py counts otherwise"
PY
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as hdf5 from "h5wasm/node";

const { version } = JSON.parse(readFileSync("node_modules/h5wasm/package.json"));
console.log({ h5wasm: version, node: process.version });
await hdf5.ready;
const file = new hdf5.File("log.h5", "r");
const [cost, episodes] = [file.get("cost"), file.get("episodes")];
const all = Array.from(cost.value);
const seen = [[[-3, 10]], [[-3]]].map((range) => Array.from(cost.slice(range)));
const last = Array.from(episodes.slice([[-1]]));
console.log(JSON.stringify({ seen, last, array: all.slice(-3) }));
for (const values of seen) assert.deepEqual(values, all, "a negative start counts from the end now");
assert.deepEqual(last, [0, 1, 2, 3, 4, 5], "the last episode is found now");
assert.deepEqual(all.slice(-3), [7, 8, 9]);
const round = Array.from(cost.slice([[Math.max(0, cost.shape[0] - 3)]]));
assert.deepEqual(round, [7, 8, 9], "the way round fails");
JS
