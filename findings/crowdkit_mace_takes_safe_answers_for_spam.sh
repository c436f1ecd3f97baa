#!/usr/bin/env bash
# Crowd-Kit's MACE calls two clips in five unsafe where one in twenty is, and a majority vote is 97% right.
#
# Versions: crowd-kit 1.4.2, pandas 2.3.3, numpy 1.26.4, scipy 1.12.0, scikit-learn 1.5.2.
# One would guess: five annotators, each right in 85% of all clips, are easy; a model of annotators is at least as
#   good as counting votes.
# What happens: the model has no share of the classes, they count as equally frequent. That nearly all answers are
#   "safe" is then best explained by annotators who answer "safe" without looking, and what they say is ignored.
# Seen: 1,000 clips, 5% unsafe. Majority vote: 97% right, 8% called unsafe. MACE: 63% right, 42% called unsafe, and
#   four answers in five are called spam. Half of the clips unsafe: 97% right, as the vote.
# Why it matters: most clips of a log are safe, so this is the usual case. One would dismiss five good annotators.
# Way round: `DawidSkene`, which estimates the shares.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq crowd-kit==1.4.2 pandas==2.3.3 numpy==1.26.4 scipy==1.12.0 scikit-learn==1.5.2
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
from crowdkit.aggregation import MACE, DawidSkene, MajorityVote

print({name: version(name) for name in ("crowd-kit", "pandas", "numpy", "scipy", "scikit-learn")})


def compare(share):
    generator = np.random.default_rng(1)
    unsafe = generator.random(1000) < share
    right = generator.random((5, 1000)) < 0.85
    answers = pd.DataFrame(np.where(right, unsafe, ~unsafe)).stack().reset_index()
    answers.columns = ["worker", "task", "label"]
    answers["label"] = answers["label"].map({True: "unsafe", False: "safe"})
    figures = {}
    for model in (MajorityVote(), MACE(), DawidSkene(n_iter=50)):
        called = model.fit_predict(answers).reindex(range(1000)) == "unsafe"
        figures[type(model).__name__] = (float((called == unsafe).mean()), float(called.mean()))
    return figures


rare, even = compare(0.05), compare(0.5)
print("right, called unsafe: 5% unsafe", rare, "50% unsafe", even, sep="\n")
assert rare["MajorityVote"][0] > 0.95 and rare["MACE"][0] < 0.75 and rare["MACE"][1] > 0.3, "MACE is right now"
assert rare["DawidSkene"][0] > 0.95, "the way round fails"
assert min(right for right, _ in even.values()) > 0.95, "MACE is wrong for even classes as well"
PY
