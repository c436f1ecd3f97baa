#!/usr/bin/env bash
# Crowd-Kit's Bradley-Terry takes the answer "tie" for a clip, and all scores become NaN.
#
# Versions: crowd-kit 1.4.2, pandas 2.3.3, numpy 1.26.4, scipy 1.12.0.
# One would guess: an answer that is neither the left nor the right clip is refused, or left out.
# What happens: names are collected from all three columns, so "tie" is a clip that wins and is never shown.
#   BradleyTerry divides by zero for it; NoisyBradleyTerry gives it a score among the others.
# Seen: six answers on clips a, b, c give .55, .14, .31. With two ties more: NaN for all, with a RuntimeWarning
#   from inside. NoisyBradleyTerry ranks four clips.
# Why it matters: a third of people's comparisons are ties. With a misspelt name the same happens.
# Way round: leave ties out, or enter one win for each side; check `label` against the two columns.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq crowd-kit==1.4.2 pandas==2.3.3 numpy==1.26.4 scipy==1.12.0
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import warnings

import pandas as pd
from crowdkit.aggregation import BradleyTerry, NoisyBradleyTerry

print({name: version(name) for name in ("crowd-kit", "pandas", "numpy", "scipy")})
warnings.simplefilter("ignore")
pairs = [("a", "b"), ("b", "c"), ("a", "c")]
answers = pd.DataFrame(
    [("w1", *pair, pair[0]) for pair in pairs] + [("w2", "a", "b", "a"), ("w2", "b", "c", "c"), ("w2", "a", "c", "c")],
    columns=["worker", "left", "right", "label"],
)
ties = pd.DataFrame([("w1", "a", "b", "tie")] * 2, columns=answers.columns)
without = BradleyTerry(n_iter=100).fit_predict(answers)
with_ties = BradleyTerry(n_iter=100).fit_predict(pd.concat([answers, ties]))
noisy = NoisyBradleyTerry(n_iter=10).fit_predict(pd.concat([answers, ties]))
print("without", without.round(2).to_dict(), "with", with_ties.to_dict(), "noisy", noisy.round(2).to_dict())
assert without.idxmax() == "a" and without.notna().all()
assert with_ties.index.tolist() == ["a", "b", "c", "tie"], "a tie is no longer a competitor"
assert with_ties.isna().all(), "the scores are no longer NaN"
assert "tie" in noisy.index, "a tie is no longer a competitor of the noisy model"
PY
