#!/usr/bin/env bash
# ruptures' exact searches find changes at multiples of five steps only.
#
# Versions: ruptures 1.1.10, numpy 2.4.6, scipy 1.17.1.
# One would guess: Pelt and Dynp, which the documentation calls exact, find the step at which a signal jumps.
# What happens: `jump` is 5 by default. Candidates are the steps 5, 10, 15 and so on. KernelCPD, with the same
#   method on the same cost, has a jump of 1.
# Seen: a signal of 0 jumps to 1 at step 43. Pelt, Dynp, Binseg and BottomUp say 45, KernelCPD says 43.
#   A skid of two steps, at 41 and 42, is not found at all, however small the penalty; with jump=1 it is.
# Why it matters: the start of an unsafe phase is labelled two steps late, behind the collision. Short phases,
#   which are what one looks for, do not exist.
# Way round: `jump=1`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq ruptures==1.1.10 numpy==2.4.6 scipy==1.17.1
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
import ruptures

print({name: version(name) for name in ("ruptures", "numpy", "scipy")})
noise = np.random.default_rng(0).normal(0, 0.01, 100)
jump = noise + (np.arange(100) >= 43)
skid = noise + np.isin(np.arange(100), (41, 42))
found = {
    name: int(getattr(ruptures, name)(model="l2").fit(jump).predict(n_bkps=1)[0])
    for name in ("Dynp", "Binseg", "BottomUp")
}
found["Pelt"] = ruptures.Pelt(model="l2").fit(jump).predict(pen=1)[0]
found["KernelCPD"] = ruptures.KernelCPD(kernel="linear").fit(jump).predict(n_bkps=1)[0]
short = [ruptures.Pelt(model="l2", min_size=2, jump=step).fit(skid).predict(pen=0.9) for step in (5, 1)]
print("jump at 43", found, "skid at 41 and 42: by default", short[0], "with jump=1", short[1])
assert found.pop("KernelCPD") == 43 and set(found.values()) == {45}, "the changes are found at other steps"
assert short == [[100], [41, 43, 100]], "the skid is found now, or the way round fails"
PY
