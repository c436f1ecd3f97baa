#!/usr/bin/env bash
# kalman-filter takes a sensor that is missing beside another one for a reading of 0, and refuses NaN.
#
# Versions: kalman-filter 2.3.0, with Node.js 20 (Debian: nodejs, npm).
# One would guess: null leaves the sensor out of the step, or is refused, as NaN is and as null is for a whole step.
# What happens: null goes into the arithmetic of JavaScript, where it is 0. The length of the observation is checked,
#   and whether the result is a number. The page names partial observations as a demo, and not what null does.
# Seen: a robot that stands at (50, 20). At one step the first sensor gives null. The estimate jumps to (19.05, 20) and
#   needs steps to come back, just as for a reading of 0. NaN in its place is an error.
# Why it matters: null is how JSON writes a missing number, NaN of Python's logs included. Robots seem to leave their
#   lane at each gap, and safety costs are computed from it.
# Way round: only `predict` at such steps, or a covariance of the observation that is huge where the value is null.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund kalman-filter@2.3.0
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import kalman from "kalman-filter";

const { KalmanFilter } = kalman;
const { version } = JSON.parse(readFileSync("node_modules/kalman-filter/package.json"));
console.log({ "kalman-filter": version, node: process.version });
const log = (value) => [[50, 20], [50, 20], [50, 20], [value, 20], [50, 20]];
const round = (states) => states.map((state) => state.map((x) => Math.round(100 * x) / 100));
const all = (value) => round(new KalmanFilter({ observation: 2 }).filterAll(log(value)));
console.log("null", JSON.stringify(all(null)), "zero", JSON.stringify(all(0)));
assert.deepEqual(all(null), all(0), "null is no longer zero");
assert.ok(all(null)[3][0] < 25);
assert.throws(() => all(NaN), /NaN/);

const filter = new KalmanFilter({ observation: 2 });
let previousCorrected = null;
const careful = log(null).map((observation) => {
  const predicted = filter.predict({ previousCorrected });
  previousCorrected = observation.includes(null) ? predicted : filter.correct({ predicted, observation });
  return previousCorrected.mean.map((row) => row[0]);
});
console.log("way round", JSON.stringify(round(careful)));
assert.deepEqual(round(careful)[3], [50, 20], "the way round fails");
JS
