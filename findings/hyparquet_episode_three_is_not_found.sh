#!/usr/bin/env bash
# hyparquet finds no row of episode 3 in a column of int64, and leaves none out when episode 3 is to be left out.
#
# Versions: hyparquet 1.33.0, with Node.js 20 (Debian: nodejs, npm); pyarrow 26.0.1.
# One would guess: `filter: { episode: 3 }` finds the rows whose episode is 3, as `$gte: 3` with `$lte: 3` does.
# What happens: int64 is read as BigInt, and `3n === 3` is false in JavaScript. Equality, `$in`, `$ne` and `$nin` never
#   match, and `$gt` and `$lt` do. No error. The type file says "strict equality" of `filterStrict`, the README nothing.
# Seen: twelve rows of four episodes. `episode: 3` and `$in: [2, 3]` find 0 rows, `$ne: 3` and `$nin: [2, 3]` keep
#   all 12, and from 3 to 3 there are 3 rows. In a column of int32 all are right.
# Why it matters: pandas, pyarrow and LeRobot write episode numbers and labels as int64. A page that leaves out the
#   unsafe clips by their label shows them all, and one that shows an episode is empty.
# Way round: `3n`, or `filterStrict: false`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pyarrow==26.0.1
npm install --silent --no-audit --no-fund hyparquet@1.33.0
venv/bin/python -I -W error - <<'PY'
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

print({"pyarrow": pa.__version__})
episodes = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
pq.write_table(pa.table({"episode": episodes, "small": pa.array(episodes, pa.int32())}), "log.parquet")
assert ds.dataset("log.parquet").to_table(filter=ds.field("episode") == 3).num_rows == 3
PY
cat >read.mjs <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { asyncBufferFromFile, parquetQuery, parquetReadObjects } from "hyparquet";

const { version } = JSON.parse(readFileSync("node_modules/hyparquet/package.json"));
console.log({ hyparquet: version, node: process.version });
const file = await asyncBufferFromFile("log.parquet");
const count = async (filter, options = {}) => (await parquetQuery({ file, filter, ...options })).length;
const conditions = [3, { $eq: 3 }, { $in: [2, 3] }, { $ne: 3 }, { $nin: [2, 3] }, { $gte: 3, $lte: 3 }];
const seen = {};
for (const column of ["episode", "small"]) {
  seen[column] = [];
  for (const condition of conditions) seen[column].push(await count({ [column]: condition }));
}
console.log(JSON.stringify({ conditions, seen }));
assert.deepEqual(seen.episode, [0, 0, 0, 12, 12, 3], "numbers match int64 now");
assert.deepEqual(seen.small, [3, 3, 6, 9, 6, 3], "int32 is matched otherwise");
assert.equal((await parquetReadObjects({ file, filter: { episode: 3 } })).length, 0);
assert.equal(await count({ episode: 3n }), 3, "the way round fails");
assert.equal(await count({ episode: { $nin: [2n, 3n] } }), 6, "the way round fails");
assert.equal(await count({ episode: 3 }, { filterStrict: false }), 3, "the way round fails");
assert.equal(await count({ episode: { $ne: 3 } }, { filterStrict: false }), 9, "the way round fails");
JS
node read.mjs
