#!/usr/bin/env bash
# ml-logistic-regression calls every speed dangerous when those above 15 are: it has no intercept.
#
# Versions: ml-logistic-regression 2.0.0, ml-matrix 6.15.0, with Node.js 20 (Debian: nodejs, npm).
# One would guess: a logistic regression finds a threshold in one column, as scikit-learn and R do.
# What happens: the model is the logistic function of weight * x alone, so its probability is 0.5 at x = 0. All positive
#   values are on one side of it, whatever the data say.
# Seen: speeds from 1 to 20 m/s, of which 16 to 20 are dangerous. After 50,000 steps all 20 are called dangerous, 15 of
#   them wrongly. With a column of ones beside it, all 20 are right. The same numbers below 0 are all dangerous, too.
# Why it matters: the columns of robot logs are speeds, distances and forces, none below 0. The answer is the same for
#   all of them, and follows the sign of one weight.
# Way round: add a column of ones to the data for training and prediction.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund ml-logistic-regression@2.0.0 ml-matrix@6.15.0
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import LogisticRegression from "ml-logistic-regression";
import { Matrix } from "ml-matrix";

const version = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;
const names = ["ml-logistic-regression", "ml-matrix"];
console.log(Object.fromEntries(names.map((name) => [name, version(name)])), process.version);
const speeds = Array.from({ length: 20 }, (_, number) => number + 1);
const dangerous = speeds.map((speed) => (speed > 15 ? 1 : 0));

/** The classes that a model gives to the rows it has learnt from. */
function learnt(rows) {
  const model = new LogisticRegression({ numSteps: 50000, learningRate: 0.005 });
  model.train(new Matrix(rows), Matrix.columnVector(dangerous));
  return model.predict(new Matrix(rows));
}

const alone = learnt(speeds.map((speed) => [speed]));
const below = learnt(speeds.map((speed) => [-speed]));
const withOnes = learnt(speeds.map((speed) => [speed, 1]));
console.log("speed alone", alone.join(""), "below zero", below.join(""), "with ones", withOnes.join(""));
assert.deepEqual(alone, speeds.map(() => 1), "a threshold is found now");
assert.deepEqual(below, speeds.map(() => 1), "a threshold is found now");
assert.deepEqual(withOnes, dangerous, "the way round fails");
JS
