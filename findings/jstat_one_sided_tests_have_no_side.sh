#!/usr/bin/env bash
# jStat's one-sided tests give one p-value for an agent that is far below the limit and for one that is far above it.
#
# Versions: jstat 1.9.6, with Node.js 20 (Debian: nodejs, npm); scipy 1.17.1, numpy 2.4.6.
# One would guess: a one-sided test asks for one direction. Its p-value is near 1 where the data go the other way, so
#   that p and 1 - p belong to the two sides.
# What happens: `jStat.ttest` and `jStat.ztest` with one side take the tail beyond the absolute value. The sign of the
#   difference is lost, and p is never above 0.5.
# Seen: ten episodes that cost 15 or 35 on average, against a limit of 25: p = 2.8e-10 for both. SciPy gives 2.8e-10
#   and 1 - 2.8e-10 for "less".
# Why it matters: "is the cost below the limit?" is the question of a safety test. An agent that costs ten too much
#   passes it with the certainty of one that costs ten too little.
# Way round: compare the mean with the limit first. Take 1 - p where it is on the other side.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq scipy==1.17.1 numpy==2.4.6
npm install --silent --no-audit --no-fund jstat@1.9.6
node --input-type=module - > p.json <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import jstat from "jstat";

const { version } = JSON.parse(readFileSync("node_modules/jstat/package.json"));
console.error({ jstat: version, node: process.version });
const { jStat } = jstat;
const limit = 25;
const cheap = [14, 16, 15, 13, 17, 15, 14, 16, 15, 15];
const dear = cheap.map((cost) => cost + 20);
const p = [cheap, dear].map((costs) => jStat.ttest(limit, costs, 1));
console.error("p of a mean below 25, means", jStat.mean(cheap), "and", jStat.mean(dear), ":", p);
assert.ok(p[0] < 1e-6 && Math.abs(p[1] / p[0] - 1) < 1e-6, "the side matters now");
for (const z of [-3, -1, 0, 1, 3]) {
  const [one, other] = [jStat.ztest(z, 1), jStat.ztest(-z, 1)];
  console.error("z", z, "p", one);
  assert.ok(one === other && one <= 0.5 + 1e-9, "the side matters now");
}
console.log(JSON.stringify({ cheap, dear, p }));
JS
venv/bin/python -I - <<'PY'
import json
from importlib.metadata import version
from pathlib import Path

from scipy.stats import ttest_1samp

print({name: version(name) for name in ("scipy", "numpy")})
jstat = json.loads(Path("p.json").read_text())
less = [ttest_1samp(jstat[name], 25, alternative="less").pvalue for name in ("cheap", "dear")]
print("SciPy", less, "jStat", jstat["p"])
assert abs(less[0] / jstat["p"][0] - 1) < 0.01 and less[1] > 0.999999
PY
