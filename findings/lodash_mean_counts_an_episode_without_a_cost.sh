#!/usr/bin/env bash
# Lodash leaves a missing cost out of the sum of a mean, and counts it in the number.
#
# Versions: lodash 4.18.1, with Node.js 20 (Debian: nodejs, npm).
# One would guess: `_.meanBy(episodes, "cost")` is NaN when one episode has no cost, or the mean of the others. Both are
#   usual.
# What happens: the sum skips `undefined`, and the divisor is the number of all rows. null counts as 0, also in the sum.
# Seen: four episodes cost 4 each, and four have no `cost`. The mean is 2: not 4, and not NaN. One NaN among them makes
#   it NaN. `_.maxBy` and `_.minBy` give 4, above the mean of all.
# Why it matters: a page that shows agents side by side calls the one safest whose costs were recorded least often. The
#   mean lies below every cost that was seen.
# Way round: `_.meanBy(_.filter(episodes, (one) => Number.isFinite(one.cost)), "cost")`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund lodash@4.18.1
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import _ from "lodash";

console.log({ lodash: JSON.parse(readFileSync("node_modules/lodash/package.json")).version, node: process.version });
const seen = _.range(4).map((episode) => ({ episode, cost: 4 }));
const unseen = _.range(4, 8).map((episode) => ({ episode }));
const episodes = [...seen, ...unseen];
const mean = _.meanBy(episodes, "cost");
const [least, most] = [_.minBy(episodes, "cost").cost, _.maxBy(episodes, "cost").cost];
console.log("mean", mean, "smallest", least, "largest", most, "of nulls", _.mean([4, null]));
assert.equal(mean, 2, "missing costs are treated alike in sum and number now");
assert.deepEqual([least, most], [4, 4]);
assert.equal(_.mean([4, undefined]), 2);
assert.equal(_.mean([4, null]), 2);
assert.ok(Number.isNaN(_.mean([4, NaN])));
assert.equal(_.meanBy(_.filter(episodes, (one) => Number.isFinite(one.cost)), "cost"), 4, "the way round fails");
JS
