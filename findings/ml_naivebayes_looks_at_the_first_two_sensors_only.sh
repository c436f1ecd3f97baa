#!/usr/bin/env bash
# ml-naivebayes' Gaussian classifier reads the first two features only: of what a third one tells it knows nothing.
#
# Versions: ml-naivebayes 4.0.0, ml-matrix 6.15.1, with Node.js 20 (Debian: nodejs, npm).
# One would guess: a product over all features.
# What happens: `predict` counts the features by the length of a list that holds two numbers for each feature. All from
#   the third on are trained, stored and never read. A case whose product is too small for a number is of class -1.
# Seen: 200 clips with three sensors. When the first or the second one differs by class, 100% are right. When only the
#   third does, 59% are. A case far away from both classes is of class -1.
# Why it matters: the column order decides what the classifier sees. Nothing is raised, and an accuracy above a half
#   looks like a hard problem.
# Way round: another classifier. At most two features, if it must be this one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund ml-naivebayes@4.0.0 ml-matrix@6.15.1
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import naive from "ml-naivebayes";

const versions = ["ml-naivebayes", "ml-matrix"].map((name) => {
  const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`));
  return [name, version];
});
console.log({ ...Object.fromEntries(versions), node: process.version });
let state = 1;
const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
const unsafe = Array.from({ length: 200 }, (_, clip) => clip % 2);
const noise = unsafe.map(() => [random(), random(), random()]);
const trained = (column) => {
  const clips = noise.map((row, clip) => row.map((value, i) => value + (i === column ? 3 * unsafe[clip] : 0)));
  const model = new naive.GaussianNB();
  model.train(clips, unsafe);
  const right = model.predict(clips).filter((answer, clip) => answer === unsafe[clip]).length / clips.length;
  console.log("the sensor that tells is in column", column, "right:", right);
  return [right, model];
};
const [[first, model], [second], [third]] = [0, 1, 2].map(trained);
assert(first === 1 && second === 1, "the first two features are no longer enough");
assert(third > 0.4 && third < 0.65, "the third feature is used now");
const [near, far] = model.predict([[0.5, 0.5, 0.5], [50, 50, 0.5]]);
console.log({ near, far });
assert.deepEqual([near, far], [0, -1], "a case far away has a class now");
JS
