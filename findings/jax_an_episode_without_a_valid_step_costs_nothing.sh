#!/usr/bin/env bash
# JAX divides a mask of no steps by its sum, 0 / 0, to 0.0 and not NaN: an episode without data has a mean cost of 0.
#
# Versions: jax 0.10.2, jaxlib 0.10.2, numpy 2.4.6.
# One would guess: `mask / mask.sum(axis=1, keepdims=True)` is NaN where no step is valid, as in NumPy, and as in JAX
#   for the same mask as numbers.
# What happens: in compiled code a mask divided by a smaller array that is stretched to its shape is 1 / n where it is
#   True and 0 where it is False, whatever n is. Single operations are compiled as well. Within `jax.jit` the same
#   holds for `mask.astype(float)`. A divisor of the same shape, a mask of integers, and `jax.disable_jit` give NaN.
#   There is no warning, and `jax_debug_nans` finds nothing. Seen on the CPU.
# Seen: three episodes of four steps with 4, 1 and 0 valid ones and costs of 1 each. Mean costs 1, 1, 0. With the mask
#   as int32, without compilation and in NumPy 1, 1, NaN. With the mask as float32 NaN before, and 0 within `jax.jit`.
# Why it matters: the episode whose sensor failed all the time is the safest of all, and a check for NaN passes. The
#   same formula gives another result once it is compiled. Distrax 0.1.9 has it in its `EpsilonGreedy`: with one NaN
#   among three values and an epsilon of 0.1 each action is taken with 1/3.
# Way round: `jnp.where(n > 0, mask / n, jnp.nan)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
JAX_PLATFORMS=cpu venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np

print({name: version(name) for name in ("jax", "jaxlib", "numpy")})
mask = np.array([[1, 1, 1, 1], [0, 0, 1, 0], [0, 0, 0, 0]], bool)
cost = np.ones((3, 4), np.float32)


def mean_cost(valid):
    share = valid / valid.sum(axis=1, keepdims=True)
    return (share * cost).sum(axis=1)


def explicit(valid):
    number = valid.sum(axis=1, keepdims=True)
    return (jnp.where(number > 0, valid / number, jnp.nan) * cost).sum(axis=1)


def of_floats(valid):
    return mean_cost(valid.astype(jnp.float32))


valid = jnp.asarray(mask)
seen = {"eager": mean_cost(valid), "jit": jax.jit(mean_cost)(valid), "float32, jit": jax.jit(of_floats)(valid)}
with jax.disable_jit():
    right = {"disable_jit": mean_cost(valid)}
with np.errstate(invalid="ignore"):
    right["NumPy"] = mean_cost(mask)
right |= {"int32": mean_cost(valid.astype(jnp.int32)), "float32": of_floats(valid)}
right |= {"way round": explicit(valid), "way round, jit": jax.jit(explicit)(valid)}
for name, one in (seen | right).items():
    print(name, np.asarray(one).tolist())
for name, one in seen.items():
    assert np.array_equal(one, [1, 1, 0]), f"an empty episode is no longer free of cost ({name})"
for name, one in right.items():
    assert np.array_equal(one, [1, 1, np.nan], equal_nan=True), f"{name} is another now"
nothing = jnp.zeros(2, bool)
assert np.isnan(nothing / jnp.zeros(2, int)).all(), "a divisor of the same shape is another now"
assert not np.isnan(nothing / jnp.zeros(1, int)).any() and not np.isnan(nothing / nothing.sum()).any()
with jax.debug_nans(True):
    assert np.array_equal(mean_cost(valid), [1, 1, 0]), "debug_nans finds it now"
PY
