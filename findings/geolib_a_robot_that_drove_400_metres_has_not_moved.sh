#!/usr/bin/env bash
# geolib (npm) gives the track of a robot that drove 400 m a length of 0.
#
# Versions: geolib 3.3.14, with Node.js 20 (Debian: nodejs, npm).
# One would guess: the length of a track is that of its pieces, to a metre if need be, as its results are whole metres.
# What happens: `getPathLength` adds the distances of neighbouring points, and each is rounded to whole metres first.
#   Pieces below half a metre count nothing. `getSpeed` divides the same rounded distance.
# Seen: 1,001 points 0.4 m apart, ten a second: a length of 0 and a speed of 0, where it is 400 m and 4 m/s. With 1.4 m
#   between points it is 1,000 m for 1,400, and with 0.6 m it is 1,000 for 600.
# Why it matters: costs per metre divide by this length, and a speed limit is checked by this speed. What comes out
#   depends on how often the receiver reports, and 0 looks like a robot at rest.
# Way round: `getPathLength(points, (a, b) => getDistance(a, b, 0.001))`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund geolib@3.3.14
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import geolib from "geolib";

const { version } = JSON.parse(readFileSync("node_modules/geolib/package.json"));
console.log({ geolib: version, node: process.version });
const { getDistance, getPathLength, getSpeed } = geolib;
const track = (metres) =>
  Array.from({ length: 1001 }, (_, i) => ({ latitude: 48 + (i * metres) / 111_195, longitude: 9, time: 100 * i }));
for (const [metres, stated] of [[0.4, 0], [0.6, 1000], [1.4, 1000]]) {
  const points = track(metres);
  const fine = getPathLength(points, (one, other) => getDistance(one, other, 0.001));
  console.log(metres, "m a step: length", getPathLength(points), "to a millimetre", fine);
  assert.equal(getPathLength(points), stated, "the length of a track has changed");
  assert.ok(Math.abs(fine / (1000 * metres) - 1) < 0.01, "the way round fails");
}
const [one, other] = track(0.4);
console.log("speed", getSpeed(one, other), "m/s");
assert.equal(getSpeed(one, other), 0, "the speed has changed");
JS
