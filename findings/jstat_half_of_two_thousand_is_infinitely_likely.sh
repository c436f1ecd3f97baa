#!/usr/bin/env bash
# jStat gives 1,000 accidents in 2,000 episodes an infinite probability, as it does to 150 where 150 are expected.
#
# Versions: jstat 1.9.6, with Node.js 20 (Debian: nodejs, npm).
# One would guess: a probability between 0 and 1, as `cdf` of the same distributions gives.
# What happens: `binomial.pdf` multiplies the number of ways by the powers, and that number is above the largest float
#   from about 1,030 episodes on. `poisson.pdf` divides a power by a factorial, and the power is above it at 150.
# Seen: binomial.pdf(500, 1000, 0.5) is 0.0252. binomial.pdf(1000, 2000, 0.5) is Infinity, where it is 0.0178.
#   poisson.pdf(150, 150) is Infinity and poisson.pdf(180, 180) is NaN, where both are 0.03.
# Why it matters: likelihoods of accident counts, and exact tests that add them up, become Infinity or NaN once an
#   evaluation is large. Pages show an empty plot, or the smaller evaluations only.
# Way round: add logarithms with `jStat.gammaln`, or for the binomial take `cdf(k) - cdf(k - 1)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund jstat@1.9.6
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import jstat from "jstat";

const { version } = JSON.parse(readFileSync("node_modules/jstat/package.json"));
console.log({ jstat: version, node: process.version });
const { binomial, gammaln, poisson } = jstat.jStat;
const factorial = (k) => gammaln(k + 1);
const exact = {
  binomial: (k, n, p) =>
    Math.exp(factorial(n) - factorial(k) - factorial(n - k) + k * Math.log(p) + (n - k) * Math.log(1 - p)),
  poisson: (k, mean) => Math.exp(k * Math.log(mean) - mean - factorial(k)),
};
const seen = {
  "binomial 500 of 1000": [binomial.pdf(500, 1000, 0.5), exact.binomial(500, 1000, 0.5)],
  "binomial 1000 of 2000": [binomial.pdf(1000, 2000, 0.5), exact.binomial(1000, 2000, 0.5)],
  "poisson 100 of 100": [poisson.pdf(100, 100), exact.poisson(100, 100)],
  "poisson 150 of 150": [poisson.pdf(150, 150), exact.poisson(150, 150)],
  "poisson 180 of 180": [poisson.pdf(180, 180), exact.poisson(180, 180)],
};
console.log(seen);
const near = (one, other) => Math.abs(one / other - 1) < 1e-3;
assert.ok(near(...seen["binomial 500 of 1000"]) && near(...seen["poisson 100 of 100"]));
assert.equal(seen["binomial 1000 of 2000"][0], Infinity, "the binomial probability has changed");
assert.equal(seen["poisson 150 of 150"][0], Infinity, "the Poisson probability has changed");
assert.ok(Number.isNaN(seen["poisson 180 of 180"][0]), "the Poisson probability has changed");
const step = binomial.cdf(1000, 2000, 0.5) - binomial.cdf(999, 2000, 0.5);
console.log("by cdf", step);
assert.ok(near(step, seen["binomial 1000 of 2000"][1]), "the way round fails");
JS
