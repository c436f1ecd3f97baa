#!/usr/bin/env bash
# pyGAM gives two tasks one common risk when the codes of tasks have gaps: 0, 1 and 5 are two tasks then.
#
# Versions: pygam 0.12.0, scipy 1.16.3, numpy 2.4.6.
# One would guess: a factor term has one coefficient for each code that occurs.
# What happens: the range of the codes is cut into as many equal pieces as there are codes. Codes in one piece share a
#   coefficient, and some pieces hold no code. Codes outside the range raise an error, gaps do not.
# Seen: tasks 0, 1 and 5 with the risks .1, .9 and .3. The answers are .5, .5 and .3. With the codes 0, 1, 2: .1, .9,
#   .3. Task 3, which never occurred, is answered with .4.
# Why it matters: codes have gaps as soon as a task is filtered out, or ids of robots and annotators are used. The
#   dangerous task is then as safe as its neighbour.
# Way round: `np.unique(codes, return_inverse=True)[1]` as the feature.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pygam==0.12.0 scipy==1.16.3 numpy==2.4.6
venv/bin/python -I -W error::UserWarning - <<'PY'
from importlib.metadata import version

import numpy as np
from pygam import LinearGAM, LogisticGAM, f

print({name: version(name) for name in ("pygam", "scipy", "numpy")})
RISKS = np.array([0.1, 0.9, 0.3])
order = np.random.default_rng(0).permutation(3000)
tasks = np.repeat([0, 1, 2], 1000)[order]
unsafe = (np.tile(np.arange(1000) / 1000, 3) < np.repeat(RISKS, 1000)).astype(int)[order]
asked = np.arange(3)


def answers(model, codes):
    """The risk of each task, with codes for the three tasks."""
    codes = np.array(codes)
    fitted = model(f(0)).fit(codes[tasks][:, None], unsafe)
    said = fitted.predict_mu(codes[asked][:, None])
    return fitted, said.round(2).tolist()


for model in (LinearGAM, LogisticGAM):
    fitted, gaps = answers(model, [0, 1, 5])
    _, close = answers(model, [0, 1, 2])
    never = fitted.predict_mu(np.array([[3]])).round(2).tolist()
    print(model.__name__, "codes 0, 1, 5:", gaps, "codes 0, 1, 2:", close, "task 3, that never occurred:", never)
    assert np.abs(np.array(close) - RISKS).max() < 0.02
    assert gaps[0] == gaps[1] and abs(gaps[0] - 0.5) < 0.02, "codes with gaps are told apart now"
_, again = answers(LogisticGAM, np.unique([0, 1, 5], return_inverse=True)[1])
assert again == close, "the way round fails"
PY
