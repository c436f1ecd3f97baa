#!/usr/bin/env bash
# regression (npm) fits a line through costs that grow by 0.004 a metre with a slope of 0, and predicts with it.
#
# Versions: regression 2.0.1, with Node.js 20 (Debian: nodejs, npm).
# One would guess: the fit is a floating-point number, and `precision` is for printing it.
# What happens: `precision` is 2 unless told, and the coefficients are rounded to two digits after the point. `predict`
#   and `r2` use the rounded ones. The page of the package says that output is rounded.
# Seen: costs of 0.001, 0.005, 0.009, 0.013 at 0 to 3 m, exactly on a line: the slope is 0, the intercept 0.01, the cost
#   at 100 m is 0.01 where it is 0.401, and r2 is below 0. In thousandths of the unit all is right.
# Why it matters: costs of a step, risks and learning curves over steps have small slopes. A plot shows a flat line
#   below costs that rise, and "no trend" is what one reads.
# Way round: `regression.linear(data, { precision: 15 })`, or a scale on which slopes are large.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund regression@2.0.1
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import regression from "regression";

const { version } = JSON.parse(readFileSync("node_modules/regression/package.json"));
console.log({ regression: version, node: process.version });
const data = [0, 1, 2, 3].map((metre) => [metre, (1 + 4 * metre) / 1000]);
const fit = regression.linear(data);
console.log(data, "slope and intercept", fit.equation, "at 100 m", fit.predict(100), "r2", fit.r2);
assert.deepEqual(fit.equation, [0, 0.01], "the coefficients are no longer rounded");
assert.deepEqual(fit.predict(100), [100, 0.01], "the prediction is no longer rounded");
assert.ok(fit.r2 < 0);
const thousandths = regression.linear(data.map(([metre, cost]) => [metre, cost * 1000]));
assert.deepEqual(thousandths.equation, [4, 1]);
const exact = regression.linear(data, { precision: 15 });
console.log("with 15 digits", exact.equation, exact.predict(100));
assert.ok(Math.abs(exact.predict(100)[1] - 0.401) < 1e-9 && exact.r2 > 0.999, "the way round fails");
JS
