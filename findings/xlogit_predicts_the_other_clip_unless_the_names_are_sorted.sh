#!/usr/bin/env bash
# xlogit predicts the clip that people avoid when the rows of a question do not follow the alphabet.
#
# Versions: xlogit 0.2.7, scipy 1.14.1, numpy 2.1.3.
# One would guess: a prediction is a name of the column `alts`, so the order of the rows within a question means nothing.
# What happens: rows must be in one order in every question, any order, and that is checked. The model then keeps its
#   alternatives sorted, and takes the row number of the best one as a place in the sorted list. No warning.
# Seen: 400 questions, 90% answered with the clip of low cost. Rows "unsafe", "safe": all 400 predictions are "unsafe".
#   Rows "safe", "unsafe": all are "safe". The coefficient of cost is -0.67 both times.
# Why it matters: pairs of clips come as the log has them. The fit is right and its standard errors too. Only the
#   predicted choices and shares are of the other clip, as is an intercept's name.
# Way round: `frame.sort_values(["question", "clip"])` before both `fit` and `predict`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq xlogit==0.2.7 scipy==1.14.1 numpy==2.1.3
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from xlogit import MultinomialLogit

print({name: version(name) for name in ("xlogit", "scipy", "numpy")})
random = np.random.default_rng(0)
costs = {"safe": random.normal(1, 0.5, 400), "unsafe": random.normal(5, 0.5, 400)}
chosen = np.where(random.random(400) < 0.9, "safe", "unsafe")


def predict(order):
    names = np.tile(order, 400)
    cost = np.stack([costs[name] for name in order], 1).reshape(-1, 1)
    questions = np.repeat(np.arange(400), 2)
    model = MultinomialLogit()
    model.fit(cost, np.repeat(chosen, 2), ["cost"], names, questions, verbose=0)
    found = model.predict(cost, ["cost"], names, questions, verbose=0)
    shares = {name: float(np.mean(found == name)) for name in order}
    print("rows", order, "coefficient", model.coeff_.round(2), "predicted", shares)
    return float(model.coeff_[0]), shares


as_logged, shares = predict(["unsafe", "safe"])
assert -0.7 < as_logged < -0.6, "the fit has changed"
assert shares == {"unsafe": 1.0, "safe": 0.0}, "the names are right now"
by_name, shares = predict(["safe", "unsafe"])
assert abs(by_name - as_logged) < 1e-3 and shares == {"safe": 1.0, "unsafe": 0.0}, "the way round fails"
PY
