#!/usr/bin/env bash
# Crowd-Kit's majority vote decides 1 : 1 by the spelling of the labels: "safe" before "unsafe".
#
# Versions: crowd-kit 1.4.2, pandas 2.3.3, numpy 1.26.4, scipy 1.12.0.
# One would guess: a tie is left open, drawn at random, or goes to the label that is more frequent overall.
# What happens: the first column with the largest share wins, and the columns are sorted.
# Seen: one "safe" and one "unsafe" give "safe", although 3 of 4 answers in the table are "unsafe". With the
#   words "ok" and "danger" the same answers give "danger".
# Why it matters: two answers a clip are usual, and half of the doubtful clips are 1 : 1. All of them become
#   safe, or all unsafe, by a name.
# Way round: `fit_predict_proba`, and treat shares of 0.5 as unlabelled.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq crowd-kit==1.4.2 pandas==2.3.3 numpy==1.26.4 scipy==1.12.0
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import pandas as pd
from crowdkit.aggregation import MajorityVote

print({name: version(name) for name in ("crowd-kit", "pandas", "numpy", "scipy")})
answers = pd.DataFrame(
    [("c1", "a", "safe"), ("c1", "b", "unsafe"), ("c2", "a", "unsafe"), ("c2", "b", "unsafe")],
    columns=["task", "worker", "label"],
)
renamed = answers.assign(label=answers["label"].map({"safe": "ok", "unsafe": "danger"}))
first, second = MajorityVote().fit_predict(answers)["c1"], MajorityVote().fit_predict(renamed)["c1"]
print("1 : 1 becomes", first, "and in other words", second)
assert first == "safe", "a tie is no longer decided by the alphabet"
assert second == "danger", "a tie is no longer decided by the alphabet"
assert MajorityVote().fit_predict_proba(answers).loc["c1"].tolist() == [0.5, 0.5], "the way round fails"
PY
