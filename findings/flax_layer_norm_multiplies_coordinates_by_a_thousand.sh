#!/usr/bin/env bash
# Flax's LayerNorm turns 10100, 10101, 10102, 10103 into -1500, -500, 500, 1500 where numbers about 1 are right.
#
# Versions: flax 0.12.8, jax 0.10.2, numpy 2.4.6.
# One would guess: the result has mean 0 and deviation 1, as with PyTorch's, as long as float32 tells the values apart.
# What happens: the variance is the mean of the squares less the square of the mean, in float32. Ten thousand times the
#   deviation away from 0, nothing is left of it. The rest is divided by the root of `epsilon`, 0.001.
# Seen: rows of four values one apart. From 1000 to 1199 all rows come out with a deviation of 1.0. From 10000 to 10199
#   none does: most have 1,118, the others 0.4. `linen` and `nnx` are alike. With `use_fast_variance=False` all have 1.
# Why it matters: coordinates in a map's grid, time stamps and pressures are far from 0 by their spread. The policy sees
#   numbers in the thousands, and its actions jump between the ends of their range.
# Way round: `use_fast_variance=False`, or observations that are centred before.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq flax==0.12.8 jax==0.10.2 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import jax.numpy as jnp
import numpy as np
from flax import linen, nnx

print({name: version(name) for name in ("flax", "jax", "numpy")})


def spreads(start, fast):
    """Deviations of what both layers make of 200 rows of four values one apart."""
    rows = start + jnp.arange(200.0)[:, None] + jnp.arange(4.0)
    assert rows.dtype == jnp.float32 and float(rows.std(axis=1).min()) > 1.1
    layer = linen.LayerNorm(use_fast_variance=fast, use_bias=False, use_scale=False)
    results = layer.apply({}, rows), nnx.LayerNorm(4, use_fast_variance=fast, rngs=nnx.Rngs(0))(rows)
    return np.concatenate([result.std(axis=1) for result in results])


for start in (1000, 10000):
    for fast in (True, False):
        found, counts = np.unique(spreads(start, fast).round(1), return_counts=True)
        print("from", start, "fast" if fast else "slow", "deviations", dict(zip(found.tolist(), counts.tolist())))
assert (abs(spreads(1000, True) - 1) < 0.1).all()
wrong = spreads(10000, True)
assert (abs(wrong - 1) > 0.3).all() and (wrong > 100).mean() > 0.3, "the variance is no longer lost"
assert (abs(spreads(10000, False) - 1) < 0.01).all(), "the way round fails"
PY
