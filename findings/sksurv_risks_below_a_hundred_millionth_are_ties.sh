#!/usr/bin/env bash
# scikit-survival gives a model that ranks every drive right a concordance of 0.5 when its risks are below 1e-8.
#
# Versions: scikit-survival 0.28.0, scikit-learn 1.9.1, scipy 1.17.1, pandas 3.1.1, numpy 2.4.6.
# One would guess: the concordance index depends on the order of the risks alone. Any unit gives the same one, as
#   for scikit-learn's `roc_auc_score`.
# What happens: two risks that differ by up to `tied_tol` = 1e-8 count as equal, and each such pair as half right. The
#   limit does not depend on the size of the risks.
# Seen: 20 drives with risks from 1e-9 to 2e-8 per step, in the right order. The index is 0.63. For risks per hour, the
#   same times 36,000, it is 1.0. With risks of a tenth it is 0.5.
# Why it matters: the risk of a collision per step or per metre is of this size. A perfect model looks no better than
#   chance, and a change of the time step changes the best model.
# Way round: `tied_tol=0`, or give the ranks of the risks.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq scikit-survival==0.28.0 scikit-learn==1.9.1 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from sklearn.metrics import roc_auc_score
from sksurv.metrics import concordance_index_censored, concordance_index_ipcw
from sksurv.util import Surv

print({name: version(name) for name in ("scikit-survival", "scikit-learn", "scipy", "pandas", "numpy")})
steps = np.arange(1.0, 21.0)
crashed = np.ones(20, bool)
risks = 1e-9 * steps[::-1]
truth = Surv.from_arrays(crashed, steps)


def indices(risks, **options):
    plain = concordance_index_censored(crashed, steps, risks, **options)[0]
    weighted = concordance_index_ipcw(truth, truth, risks, **options)[0]
    return round(float(plain), 3), round(float(weighted), 3)


for name, scale in (("per step", 1), ("per hour", 36_000), ("a tenth", 0.1)):
    print(name, risks[-1] * scale, "to", risks[0] * scale, "concordance", indices(risks * scale))
plain, weighted = indices(risks)
assert plain < 0.7 and weighted < 0.75, "small risks are compared now"
assert indices(risks * 36_000) == (1, 1) and indices(risks * 0.1)[0] == 0.5
assert roc_auc_score(steps <= 10, risks * 0.1) == 1
assert indices(risks, tied_tol=0) == (1, 1) == indices(risks.argsort().argsort().astype(float)), "the way round fails"
PY
