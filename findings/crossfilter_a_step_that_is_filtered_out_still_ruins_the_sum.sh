#!/usr/bin/env bash
# Crossfilter's cost of an episode is NaN, not 3, after the one step without a cost is filtered out, or even removed.
#
# Versions: crossfilter2 1.5.4 (npm).
# One would guess: a group's sum is that of the steps that pass the filters of other dimensions, as its count is.
# What happens: a filter subtracts the values of the steps that it takes out from the sum. NaN minus NaN is NaN, and
#   so is infinity minus infinity. The sum cannot recover: not if all filters are taken off again, not after `remove`.
#   A group that is made when the filter is on begins with all steps as well. No error or warning.
# Seen: costs of 1, 2 and an odd one that is not valid. With NaN the sum of the two valid steps is NaN. With Infinity
#   it is Infinity for all three, as it should be, and NaN for the two. The count is 2 in all cases. After `remove` of
#   the odd step two steps are left, and the sum is NaN. Over all episodes `groupAll` gives NaN for 7.
# Why it matters: in a dashboard of drives one reaches for the filter because a sum is NaN, and it stays NaN. A time
#   to collision is infinite where nothing is ahead, so taking such steps out turns a number that was right into NaN.
# Way round: leave such steps out of the sum itself, `reduceSum(step => Number.isFinite(step.cost) ? step.cost : 0)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts crossfilter2@1.5.4
node - <<'JS'
const assert = require('assert');
const crossfilter = require('crossfilter2');

console.log('crossfilter2', require('crossfilter2/package.json').version);

function see(odd, cost) {
  const steps = crossfilter([
    {episode: 'a', valid: true, cost: 1}, {episode: 'a', valid: false, cost: odd},
    {episode: 'a', valid: true, cost: 2}, {episode: 'b', valid: true, cost: 4},
  ]);
  const valid = steps.dimension((step) => step.valid);
  const episode = steps.dimension((step) => step.episode);
  const groups = {sum: episode.group().reduceSum(cost), count: episode.group()};
  const total = steps.groupAll().reduceSum(cost);
  const a = () => groups.sum.all()[0].value;
  const seen = {unfiltered: a()};
  valid.filter(true);
  const passing = steps.allFiltered();
  assert(passing.length === 3 && passing.every((step) => step.valid), 'other steps pass');
  const right = passing.filter((step) => step.episode === 'a').reduce((sum, step) => sum + step.cost, 0);
  Object.assign(seen, {right, filtered: a(), count: groups.count.all()[0].value, total: total.value()});
  seen.late = episode.group().reduceSum(cost).all()[0].value;
  valid.filterAll();
  steps.remove((step) => !step.valid);
  Object.assign(seen, {left: steps.size(), removed: a()});
  console.log('the odd cost is', odd, seen);
  return seen;
}

for (const odd of [NaN, Infinity]) {
  const seen = see(odd, (step) => step.cost);
  assert(Object.is(seen.unfiltered, odd) && seen.right === 3 && seen.count === 2 && seen.left === 3);
  for (const name of ['filtered', 'late', 'total', 'removed']) {
    assert(Number.isNaN(seen[name]), `${name} is right now`);
  }
}
const usual = see(8, (step) => step.cost);
assert(usual.filtered === 3 && usual.late === 3 && usual.total === 7 && usual.removed === 3, 'a usual cost fails');
const way = see(NaN, (step) => Number.isFinite(step.cost) ? step.cost : 0);
for (const name of ['filtered', 'late', 'total', 'removed']) {
  assert(way[name] === usual[name], 'the way round fails');
}
JS
