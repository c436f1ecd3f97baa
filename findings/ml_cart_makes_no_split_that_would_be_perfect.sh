#!/usr/bin/env bash
# ml-cart's regression tree predicts the mean where one split would be perfect, and splits once there is noise.
#
# Versions: ml-cart 2.1.1, ml-matrix 6.15.1, with Node.js 20 (Debian: nodejs, npm).
# One would guess: a split that leaves no error is the best of all, and is made.
# What happens: the gain of a split in regression is the squared error that it leaves, and a node is only split if this
#   is above 0. A split without any error counts as one without a gain.
# Seen: 100 speeds, cost 10 above 5 m/s and 0 below. The tree predicts 4.9 at 1 m/s and at 9 m/s. With noise of a
#   millionth in the costs it predicts 0 and 10. Of three levels 0, 10 and 20 it merges the first two.
# Why it matters: costs and events are often exact levels, such as 0 and 10. The model says that all speeds cost the
#   same. No option changes it.
# Way round: add noise to the values, far below what matters.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund ml-cart@2.1.1 ml-matrix@6.15.1
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { DecisionTreeRegression } from "ml-cart";

const versions = ["ml-cart", "ml-matrix"].map((name) => {
  const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`));
  return [name, version];
});
console.log({ ...Object.fromEntries(versions), node: process.version });
const speeds = Array.from({ length: 100 }, (_, i) => [i / 10]);
const predicted = (cost, asked) => {
  const tree = new DecisionTreeRegression();
  tree.train(speeds, speeds.map(([speed], i) => cost(speed, i)));
  return tree.predict(asked.map((speed) => [speed]));
};
const near = (seen, wanted) => seen.every((value, i) => Math.abs(value - wanted[i]) < 1e-4);
const one = predicted((speed) => (speed > 5 ? 10 : 0), [1, 9]);
const three = predicted((speed) => (speed > 6 ? 20 : speed > 3 ? 10 : 0), [1, 4, 9]);
const noisy = predicted((speed, i) => (speed > 5 ? 10 : 0) + 1e-6 * Math.sin(7 * i), [1, 9]);
console.log({ one, three, noisy });
assert(near(one, [4.9, 4.9]), "the perfect split is made now");
assert(three[0] === three[1] && three[0] > 4 && three[0] < 6 && near([three[2]], [20]), "three levels are found now");
assert(near(noisy, [0, 10]), "the way round fails");
JS
