#!/usr/bin/env bash
# MAPIE's calibration error by "array split" is 0.02 for shuffled clips, and 0.17 for the same clips sorted.
#
# Versions: mapie 1.6.0, scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6.
# One would guess: a calibration error does not depend on the order of the rows, and ten bins hold a tenth each.
# What happens: the scores are cut into pieces as they stand in the array, and the largest score of each piece is
#   a limit. In shuffled data every piece has a score near 1, so nearly all clips fall into the first bin.
# Seen: 2,000 clips, an overconfident model (p above .5: 60% are safe, below: 40%), ten bins: .016 as drawn, .169
#   sorted by score; "uniform" and "quantile" say .167.
# Why it matters: data are shuffled as a rule, and one bin only compares two means. A model that is overconfident
#   in both directions looks calibrated.
# Way round: sort both arrays by the score, or take "uniform" or "quantile".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq mapie==1.6.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from mapie.metrics.calibration import expected_calibration_error

print({name: version(name) for name in ("mapie", "scikit-learn", "scipy", "numpy")})
generator = np.random.default_rng(0)
p_safe = generator.random(2000)
safe = (generator.random(2000) < np.where(p_safe > 0.5, 0.6, 0.4)).astype(int)
by_score = np.argsort(p_safe)


def errors(strategy):
    return [
        round(expected_calibration_error(safe[rows], p_safe[rows], num_bins=10, split_strategy=strategy), 3)
        for rows in (slice(None), by_score)
    ]


seen = {strategy: errors(strategy) for strategy in ("array split", "uniform", "quantile")}
print("as drawn, sorted by score:", seen)
assert seen["array split"] == [0.016, 0.169], "the error no longer depends on the order"
assert min(seen["uniform"] + seen["quantile"]) > 0.15, "the other strategies say something else"
assert len(set(seen["uniform"])) == len(set(seen["quantile"])) == 1, "the way round fails"
PY
