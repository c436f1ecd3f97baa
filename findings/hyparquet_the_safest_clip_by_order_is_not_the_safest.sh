#!/usr/bin/env bash
# hyparquet's rows in the order of their cost begin with a cost of 4, and not of 0, when some costs are NaN.
#
# Versions: hyparquet 1.33.0, with Node.js 20 (Debian: nodejs, npm); pyarrow 26.0.1, numpy 2.4.6.
# One would guess: `orderBy: 'cost'` puts what is missing first or last, and orders the rest, as SQL and pandas do.
# What happens: two rows compare as equal when neither is smaller, so NaN is equal to everything and parts the rows
#   into heaps. A null is compared as 0 is. Nothing is said, and the README does not name `orderBy`.
# Seen: twelve clips, three with NaN. The order is 4, NaN, 0, 1, 2, 3, 7, 9, 25, 30, NaN, NaN. The two best of
#   `rowEnd: 2` are 4 and NaN. With null and rewards below 0: -3, -1, null, 0, 2: nobody's reward is in the middle.
# Why it matters: a table of clips on a page pages through them by cost or score. Who looks at the first page or takes
#   the first rows misses the best or the worst ones.
# Way round: read all rows, and sort them with `Number.isFinite` first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pyarrow==26.0.1 numpy==2.4.6
npm install --silent --no-audit --no-fund hyparquet@1.33.0
venv/bin/python -I -W error - <<'PY'
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

print({"pyarrow": pa.__version__, "numpy": np.__version__})
costs = np.array([4, np.nan, 9, 1, 30, np.nan, 2, 25, 0, 7, np.nan, 3])
pq.write_table(pa.table({"cost": costs}), "costs.parquet")
pq.write_table(pa.table({"reward": [2.0, None, -1.0, 0.0, -3.0]}), "rewards.parquet")
in_order = pq.read_table("costs.parquet").sort_by("cost")["cost"].to_pylist()
print("pyarrow", in_order)
assert in_order[:9] == [0, 1, 2, 3, 4, 7, 9, 25, 30], "pyarrow orders otherwise"
PY
cat >read.mjs <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { asyncBufferFromFile, parquetQuery, parquetReadObjects } from "hyparquet";

const { version } = JSON.parse(readFileSync("node_modules/hyparquet/package.json"));
console.log({ hyparquet: version, node: process.version });
const [costs, rewards] = [await asyncBufferFromFile("costs.parquet"), await asyncBufferFromFile("rewards.parquet")];
const order = async (file, orderBy, options = {}) =>
  (await parquetQuery({ file, orderBy, ...options })).map((row) => row[orderBy]);
const all = await order(costs, "cost");
const best = await order(costs, "cost", { rowEnd: 2 });
const filtered = await order(costs, "cost", { filter: { cost: { $gte: 0 } } });
const missing = await order(rewards, "reward");
console.log(all, best, filtered, missing);
assert.deepEqual(all, [4, NaN, 0, 1, 2, 3, 7, 9, 25, 30, NaN, NaN], "rows with NaN are in another order");
assert.deepEqual(best, [4, NaN], "the best are others");
assert.deepEqual(missing, [-3, -1, null, 0, 2], "null is ordered otherwise");
assert.deepEqual(filtered, [0, 1, 2, 3, 4, 7, 9, 25, 30], "without NaN the order is another");
const rows = (await parquetReadObjects({ file: costs })).map((row) => row.cost);
const known = rows.filter(Number.isFinite).sort((one, other) => one - other);
assert.deepEqual(known, filtered, "the way round fails");
JS
node read.mjs
