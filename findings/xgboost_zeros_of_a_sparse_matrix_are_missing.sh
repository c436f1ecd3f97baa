#!/usr/bin/env bash
# XGBoost takes the zeros of a SciPy sparse matrix for missing values: the same clip is safe dense, and unsafe sparse.
#
# Versions: xgboost-cpu 3.2.0, scipy 1.17.1, scikit-learn 1.9.1, numpy 2.4.6.
# One would guess: a matrix and its sparse form are the same numbers, as in SciPy and scikit-learn, and give the same
#   answer.
# What happens: entries that are not stored count as NaN, and go where missing values went in training. A stored zero is
#   a zero. So `eliminate_zeros()`, which changes no number, changes the answers.
# Seen: a sensor that fails in accidents, and 0 for "no contact". The clip with 0: .001 unsafe as an array, .996 as
#   `csr_matrix`, .001 again with the zero stored. No warning.
# Why it matters: one step of a pipeline makes one-hot or counted features sparse, in training or in use but not in
#   both. All places without contact then look like failed sensors.
# Way round: `matrix.toarray()` before; or train and ask in the same form.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq xgboost-cpu==3.2.0 scipy==1.17.1 scikit-learn==1.9.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier

print({name: version(name) for name in ("xgboost-cpu", "scipy", "scikit-learn", "numpy")})
rng = np.random.default_rng(0)
contact = np.where(rng.random(2000) < 0.5, 0.0, rng.random(2000))
unsafe = rng.random(2000) < 0.1
contact[unsafe] = np.nan
model = XGBClassifier(n_estimators=20, max_depth=2, n_jobs=1, random_state=0).fit(contact[:, None], unsafe)

clip = np.array([[0.0]])
stored = csr_matrix((np.array([0.0]), ([0], [0])), shape=(1, 1))
cut = stored.copy()
cut.eliminate_zeros()
assert (stored != cut).nnz == 0 and np.array_equal(cut.toarray(), clip)
seen = {
    name: round(float(model.predict_proba(form)[0, 1]), 3)
    for name, form in (("array", clip), ("sparse", csr_matrix(clip)), ("zero stored", stored), ("eliminated", cut))
}
print(seen)
assert seen["array"] == seen["zero stored"] < 0.05 and seen["sparse"] == seen["eliminated"] > 0.9, "zeros are zeros now"
other = LogisticRegression().fit(np.nan_to_num(contact[:, None], nan=1), unsafe)
assert np.array_equal(other.predict_proba(clip), other.predict_proba(csr_matrix(clip)))
PY
