#!/usr/bin/env bash
# imodels' SkopeRules finds a rule that is right for every clip, and then gives the wrong answer for 95% of them.
#
# Versions: imodels 3.0.4, scikit-learn 1.9.1, scipy 1.17.1, pandas 3.1.1, numpy 2.4.6.
# One would guess: a clip to which a kept rule applies gets the class of the rule.
# What happens: a chance is the weighted share of all kept rules that apply to a clip, and the class needs more than
#   half. Rules that describe small corners weigh as much as one that describes all. They do not apply elsewhere, which
#   counts as a vote against. Not documented.
# Seen: 600 clips, 572 of them safe, all below one speed. Learnt for "safe", the first rule is right for all clips, and 4.7%
#   of the predictions are. Learnt for "unsafe" from the same clips, all are right.
# Why it matters: the rules that are shown to people look perfect, and the filter that uses them does the opposite.
#   Which class was called 1 decides it.
# Way round: ask the rule itself, `frame.eval(str(model.rules_[0]))` with a table of columns X0, X1 and so on.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq imodels==3.0.4 scikit-learn==1.9.1 scipy==1.17.1 pandas==3.1.1 six==1.17.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
from imodels import SkopeRulesClassifier

print({name: version(name) for name in ("imodels", "scikit-learn", "scipy", "pandas", "numpy")})
clips = np.random.default_rng(0).normal(size=(600, 3))
safe = (clips[:, 0] <= 1.5).astype(int)


def learn(labels):
    model = SkopeRulesClassifier(random_state=0).fit(clips, labels)
    rules = [str(rule) for rule in model.rules_]
    share = float(np.mean(model.predict(clips) == labels))
    by_rule = float(np.mean(pd.DataFrame(clips, columns=["X0", "X1", "X2"]).eval(rules[0]) == labels))
    print(f"{labels.sum()} of {len(labels)} clips are 1, {len(rules)} rules: {share:.3f} right", end="")
    print(f", by the first rule, {rules[0]}, {by_rule:.3f}")
    assert by_rule > 0.99, "the way round fails"
    return share


assert learn(safe) < 0.1, "the rule decides now"
assert learn(1 - safe) > 0.99
PY
