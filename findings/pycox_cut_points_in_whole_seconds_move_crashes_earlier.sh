#!/usr/bin/env bash
# pycox puts a crash at 1.5 s into the interval that ends at 1 s when the cut points are whole numbers: 0, 1, 2.
#
# Versions: pycox 0.3.0, torchtuples 0.2.2, torch 2.13.0, pandas 2.3.3, scikit-learn 1.9.1, numpy 2.4.6.
# One would guess: cut points of 0, 1, 2 and of 0.0, 1.0, 2.0 mean the same intervals. An event goes to the right end
#   of the interval that it lies in: 1.5 s to the cut point 2, as the docstring says.
# What happens: the durations become the type of the cut points. For whole ones 1.5 is cut to 1, and a duration of 1
#   lies in the interval that ends at 1. All events that are not on a cut point go to its left end. No warning; with a
#   number of cut points in place of a list all is right.
# Seen: 2,000 crashes spread evenly over five seconds, six cut points. With 0.0 to 5.0 the six labels have 0, 412,
#   403, 395, 382 and 408 crashes, with 0 to 5 they have 412, 403, 395, 382, 408 and 0. A model says that 59 % do not
#   crash in the first second. It is 79 %, as the model says with 0.0 to 5.0.
# Why it matters: cut points are round by nature, `range(6)` or `[0, 10, 30, 60]`, and times are not. The model learns
#   that the robot crashes an interval earlier than it does, and a fifth of the robots at 0 s.
# Way round: `numpy.asarray(cuts, float)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pycox==0.3.0 torchtuples==0.2.2 torch==2.13.0 pandas==2.3.3 scikit-learn==1.9.1 numpy==2.4.6
OMP_NUM_THREADS=1 venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import torch
import torchtuples as tt
from pycox.models import LogisticHazard

packages = ("pycox", "torchtuples", "torch", "pandas", "scikit-learn", "numpy")
print({name: version(name) for name in packages})
random = np.random.default_rng(0)
crash_at = random.uniform(0.01, 4.99, 2000)
crashed = np.ones(len(crash_at))
both = {"whole cut points": list(range(6)), "cut points with a fraction": [float(cut) for cut in range(6)]}


def labels(cuts, times=crash_at):
    return LogisticHazard.label_transform(cuts).transform(times, np.ones(len(times)))


def learn(cuts):
    """The share without a crash after each second that a model without any input learns."""
    torch.manual_seed(0)
    model = LogisticHazard(torch.nn.Linear(1, len(cuts)), tt.optim.Adam(0.1), duration_index=np.array(cuts))
    nothing = np.zeros((len(crash_at), 1), np.float32)
    model.fit(nothing, labels(cuts), batch_size=len(crash_at), epochs=400, verbose=False)
    return model.predict_surv_df(nothing[:1]).iloc[:, 0].to_numpy()


for name, cuts in both.items():
    print(name, "put 0.5, 1.5 and 2.0 s into", labels(cuts, np.array([0.5, 1.5, 2.0]))[0].tolist())
counts = {name: np.bincount(labels(cuts)[0], minlength=6) for name, cuts in both.items()}
learnt = {name: learn(cuts) for name, cuts in both.items()}
true = np.array([np.mean(crash_at > second) for second in range(6)])
for name in both:
    print(name, "- crashes by interval", counts[name].tolist(), "no crash up to 0, 1, ... s", learnt[name].round(2))
print("true share without a crash", true.round(2))
whole, fraction = both
half = np.array([1.5])
assert labels(both[whole], half)[0] == 1 and labels(both[fraction], half)[0] == 2, "1.5 s is right now"
assert (counts[fraction] == np.bincount(np.ceil(crash_at).astype(int), minlength=6)).all()
assert (counts[whole] == np.bincount(np.floor(crash_at).astype(int), minlength=6)).all(), "the intervals agree now"
assert np.abs(learnt[fraction] - true).max() < 0.05, "the right model is wrong"
assert np.abs(learnt[whole][:5] - true[1:]).max() < 0.05, "the model is not one second early now"
assert (labels(np.asarray(both[whole], float))[0] == labels(both[fraction])[0]).all(), "the way round fails"
by_number = LogisticHazard.label_transform(6)
assert (by_number.fit_transform(crash_at, crashed)[0] == np.searchsorted(by_number.cuts, crash_at)).all()
PY
