#!/usr/bin/env bash
# MLX gives 5,000 air pressures between 101,321 and 101,329 Pa a mean of 101,320.
#
# Versions: mlx 0.32.4, numpy 2.4.6, on an x86 CPU.
# One would guess: the mean of float32 numbers is near them, as NumPy's and PyTorch's is. They add in pairs or blocks.
# What happens: MLX on the CPU adds the numbers one after the other in float32. Each addition to a sum of millions
#   rounds to its last digit. Variances are computed from that mean.
# Seen: pressures with a mean of 101,325.0 and a deviation of 1. The mean is 101,319.9, below every one of them, and the
#   variance is 27 instead of 1. The mean of 20 million ones is 0.84.
# Why it matters: a normaliser of observations subtracts the wrong mean and divides by the wrong deviation. The mean
#   cost of a log of 20 million steps is a sixth too low.
# Way round: subtract the first value before, and add it to the mean. Or compute statistics in NumPy.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq "mlx[cpu]==0.32.4" numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import mlx.core as mx
import numpy as np

print({name: version(name) for name in ("mlx", "numpy")}, mx.default_device())
pressures = (101_325 + np.random.default_rng(0).normal(0, 1, 5000)).astype(np.float32)
array = mx.array(pressures)
mean, variance = mx.mean(array).item(), mx.var(array).item()
print("range", pressures.min(), pressures.max(), "mean by NumPy", pressures.mean())
print("by MLX: mean", mean, "variance", variance)
assert mean < pressures.min() and abs(pressures.mean() - 101_325) < 0.1, "the mean is near the numbers now"
assert variance > 20 and 0.9 < pressures.var() < 1.1
ones = mx.mean(mx.ones(20_000_000)).item()
print("mean of 20 million ones", ones)
assert ones < 0.85

moved = array - array[0]
mean, variance = (mx.mean(moved) + array[0]).item(), mx.var(moved).item()
print("moved: mean", mean, "variance", variance)
assert abs(mean - 101_325) < 0.1 and 0.9 < variance < 1.1, "the way round fails"
PY
