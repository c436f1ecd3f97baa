#!/usr/bin/env bash
# imbalanced-learn's SMOTE cuts what it invents to integers when the features are: a third of the events is lost.
#
# Versions: imbalanced-learn 0.14.2, scikit-learn 1.9.1, scipy 1.17.1, pandas 3.1.1, numpy 2.4.6.
# One would guess: rows between two rows have means between theirs, or integer columns are refused or rounded.
# What happens: a new row lies at a random place on the line between two rare ones. Then it is cast to the type of the
#   features. The cast cuts towards zero, so flags and counts come out too low, and those below zero too high.
# Seen: 2,000 safe clips and 50 accidents, with eight flags and a count. Flags that are 1 in 45% of the accidents are 1
#   in 30% of the invented ones; a count with the mean 2.0 has 1.7. As floats the means stay. No warning, and a
#   DataFrame keeps its integer columns likewise.
# Why it matters: accidents are the rare class, and flags are what tells them. A label model learns that accidents have
#   fewer contacts than they have.
# Way round: `features.astype(float)` before.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq imbalanced-learn==0.14.2 scikit-learn==1.9.1 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I -W error::UserWarning - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE

print({name: version(name) for name in ("imbalanced-learn", "scikit-learn", "scipy", "pandas", "numpy")})
rng = np.random.default_rng(0)
labels = np.repeat([0, 1], [2000, 50])
features = np.column_stack([rng.integers(0, 2, (2050, 8)), rng.poisson(2, 2050)])


def means(table, sampler):
    """The means of the invented rows, and their types."""
    sampled, _ = sampler.fit_resample(table, labels)
    invented = np.asarray(sampled)[len(labels) :]
    assert len(invented) == 1950
    return invented.mean(axis=0).round(2).tolist(), str(invented.dtype)


real = features[labels == 1].mean(axis=0)
seen = {
    "integers": means(features, SMOTE(random_state=0)),
    "columns": means(pd.DataFrame(features, columns=list("abcdefghi")), SMOTE(random_state=0)),
    "floats": means(features.astype(float), SMOTE(random_state=0)),
}
print("accidents", real.round(2).tolist())
for name, (invented, dtype) in seen.items():
    print("invented from", name, invented, dtype)
for name in ("integers", "columns"):
    flags = np.mean(seen[name][0][:8]), real[:8].mean()
    print(f"flags of {name}: {flags[0]:.2f} for {flags[1]:.2f}")
    assert 0.6 < flags[0] / flags[1] < 0.75 and seen[name][0][8] < real[8] - 0.2, "integers are not cut now"
    assert seen[name][1] == "int64"
assert np.abs(seen["floats"][0] - real).max() < 0.1, "the way round fails"
PY
