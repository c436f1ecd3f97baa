#!/usr/bin/env bash
# joblib hands an array to its workers for writing up to 1 MB, and read-only above.
#
# Versions: joblib 1.6.0, numpy 2.4.6.
# One would guess: a function that works on its copy of an array does so for arrays of every size.
# What happens: arrays of more than 1 MB are not copied but mapped from a file that all workers share, in mode
#   "r". Writing raises an error in the worker.
# Seen: a function that sets x[0] = 1 runs with 1,000 numbers and raises "assignment destination is
#   read-only" with 200,000.
# Why it matters: normalising a log in place, filling gaps, clipping. Tests on short episodes pass, and the
#   night's run over long ones fails.
# Way round: copy in the function, or `Parallel(max_nbytes=None)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq joblib==1.6.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from joblib import Parallel, delayed

print({name: version(name) for name in ("joblib", "numpy")})
def clear(array):
    array[0] = 1
    return array[0]


def outcome(size, **settings):
    try:
        return Parallel(n_jobs=2, **settings)(delayed(clear)(np.zeros(size)) for _ in range(2))
    except ValueError as error:
        return str(error)


small, large = outcome(1_000), outcome(200_000)
print("small", small, "large", large)
assert small == [1.0, 1.0]
assert isinstance(large, str) and "read-only" in large, "large arrays may now be written to"
assert outcome(200_000, max_nbytes=None) == [1.0, 1.0], "the way round fails"
PY
