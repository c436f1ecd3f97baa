#!/usr/bin/env bash
# jsPsych counts a question that was not answered as one answered after 0 ms in the median and spread, not in the mean.
#
# Versions: jspsych 8.3.0, with Node.js 20 (Debian: nodejs, npm).
# One would guess: mean, median, deviation and minimum of a column are of the same answers.
# What happens: a trial without an answer has `rt: null`. The mean leaves it out. `median`, `variance`, `sd` and `min`
#   do arithmetic with null, which is 0 in JavaScript, and they count it.
# Seen: answers after 600, 700 and 800 ms and two trials without one: a mean of 700, a median of 600, a deviation of
#   500 and a minimum of 0. Of the three answers alone: 700, 700, 100 and 600.
# Why it matters: annotators are paid, warned or left out by such figures while they work. Who answers with care and
#   lets a hard pair of clips time out looks fast and erratic.
# Way round: `data.filterCustom((trial) => trial.rt !== null)` before `select("rt")`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund jspsych@8.3.0
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const { version } = JSON.parse(readFileSync("node_modules/jspsych/package.json"));
console.log({ jspsych: version, node: process.version });
globalThis.window = globalThis; // jsPsych is made for a page
const { DataCollection } = await import("jspsych");
const data = new DataCollection([600, null, 800, null, 700].map((rt) => ({ rt })));
const figures = (data) => {
  const rt = data.select("rt");
  return { mean: rt.mean(), median: rt.median(), sd: rt.sd(), min: rt.min() };
};
const answered = data.filterCustom((trial) => trial.rt !== null);
console.log("all trials", figures(data), "answered", figures(answered));
assert.deepEqual(figures(data), { mean: 700, median: 600, sd: 500, min: 0 }, "missing answers count differently now");
assert.deepEqual(figures(answered), { mean: 700, median: 700, sd: 100, min: 600 }, "the way round fails");
JS
