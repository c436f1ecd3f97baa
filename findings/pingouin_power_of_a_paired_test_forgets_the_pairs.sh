#!/usr/bin/env bash
# Pingouin's paired t-test reports a power of 19% for a test that finds the difference every time.
#
# Versions: pingouin 0.7.0, scipy 1.17.1, pandas 3.1.1, numpy 2.4.6.
# One would guess: `power` of a paired test follows from the differences of the pairs, as its T and p do.
# What happens: the effect size is the mean difference by the spread of the values, not of the differences, as the
#   documentation says of `cohen_d`. The power is that of a paired test with this number.
# Seen: costs of two agents on the same ten tasks, spread 30, difference 10 with a spread of 3. T is -10, p is 4e-6, and
#   the power is 0.19. Of 200 such experiments, all have p < 0.05. `power_ttest` with the spread of the differences
#   gives 1.
# Why it matters: the power decides how many seeds or tasks the next comparison gets. Shared seeds and tasks are what
#   makes it cheap, and here they count for nothing: a power of 80% asks for 56 tasks where four are enough.
# Way round: `power_ttest(difference.mean() / difference.std(ddof=1), n, contrast="paired")`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pingouin==0.7.0 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import pingouin

print({name: version(name) for name in ("pingouin", "scipy", "pandas", "numpy")})
generator = np.random.default_rng(0)


def costs(tasks):
    level = generator.normal(100, 30, tasks)
    return level, level + generator.normal(10, 3, tasks)


one, other = costs(10)
table = pingouin.ttest(one, other, paired=True).iloc[0]
difference = one - other
effect = difference.mean() / difference.std(ddof=1)
found = sum(pingouin.ttest(*costs(10), paired=True)["p_val"].iloc[0] < 0.05 for _ in range(200))
asked, enough = (pingouin.power_ttest(d=d, power=0.8, contrast="paired") for d in (table["cohen_d"], effect))
right = pingouin.power_ttest(d=effect, n=10, contrast="paired")
print(f"T {table['T']:.2f}, p {table['p_val']:.1g}, power {table['power']:.2f}; significant in {found} of 200")
print(f"tasks for a power of 80%: {asked:.0f} by cohen_d, {enough:.1f} by the differences; power by these {right:.4f}")
assert table["p_val"] < 1e-5 and table["power"] < 0.3, "the power is that of the pairs now"
assert found == 200 and asked > 40 and enough < 4
assert right > 0.999, "the way round fails"
PY
