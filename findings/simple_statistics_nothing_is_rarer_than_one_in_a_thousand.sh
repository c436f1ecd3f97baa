#!/usr/bin/env bash
# simple-statistics gives every z below -3.1 the probability 0.001, also one nine deviations below the mean.
#
# Versions: simple-statistics 7.12.1, with Node.js 20 (Debian: nodejs, npm); scipy 1.17.1, numpy 2.4.6.
# One would guess: `cumulativeStdNormalProbability(-5)` is 2.9e-7, to some digits.
# What happens: it looks the number up in a table with two decimals of z and four of p. Beyond the table it takes the
#   last entry.
# Seen: for z of -3.5, -5 and -9 the answer is 0.001; SciPy gives 2.3e-4, 2.9e-7 and 1.1e-19. For 0.004 it is 0.5.
# Why it matters: the chance of an accident is a small number of this kind. A car that brakes nine deviations before the
#   obstacle has a risk of one in a thousand, as one at 3.2 has. A thousand of a million drives crash then.
# Way round: `jStat.normal.cdf(z, 0, 1)` of the package jstat, which is within 1e-7 for all of them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq scipy==1.17.1 numpy==2.4.6
npm install --silent --no-audit --no-fund simple-statistics@7.12.1 jstat@1.9.6
node --input-type=module - > answers.json <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import jstat from "jstat";
import { cumulativeStdNormalProbability } from "simple-statistics";

const version = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;
console.error({ "simple-statistics": version("simple-statistics"), jstat: version("jstat"), node: process.version });
const answers = [-3.2, -3.5, -5, -9, 0.004, 5].map((z) => ({
  z,
  p: cumulativeStdNormalProbability(z),
  other: jstat.jStat.normal.cdf(z, 0, 1),
}));
assert.deepEqual(answers.map((one) => one.p), [0.001, 0.001, 0.001, 0.001, 0.5, 0.999], "small risks differ now");
console.log(JSON.stringify(answers));
JS
venv/bin/python -I - <<'PY'
import json
from importlib.metadata import version
from pathlib import Path

from scipy.stats import norm

print({name: version(name) for name in ("scipy", "numpy")})
for one in json.loads(Path("answers.json").read_text()):
    right = norm.cdf(one["z"])
    print("z", one["z"], "simple-statistics", one["p"], "SciPy", right, "jStat", one["other"])
    assert abs(one["other"] - right) < 1e-7, "the way round fails"
    if one["z"] < 0:
        assert one["p"] > 1.4 * right
PY
