#!/usr/bin/env bash
# pandas computes a standard deviation of 52 where it is 1, once the package Bottleneck is installed.
#
# Versions: pandas 3.1.1, bottleneck 1.6.0, numpy 2.4.6.
# One would guess: an optional package for speed changes the speed, and digits at the end at most.
# What happens: pandas finds Bottleneck and hands `std` and `var` of float32 over to it. Bottleneck adds up in float32,
#   one number after the other. Errors of the mean are then as large as the spread. `mean`, `sem` and group-wise
#   deviations go other ways, and are right.
# Seen: 2,000 coordinates about 5,800,000 m with a deviation of 1 m in float32. Without Bottleneck 1.01, with it 52.5.
#   By `groupby` .998 and 1.031, with or without. A million times .1 has a deviation of .00095 with it, and 0 without.
# Why it matters: standardised observations differ by a factor of 50 between two machines with the same pandas.
#   Bottleneck comes with xarray's extra "accel" and with pandas' "performance".
# Way round: `pd.set_option("compute.use_bottleneck", False)`, or `astype(float)` before.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
cat > spread.py <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd

metres = pd.Series((5_800_000 + np.random.default_rng(0).normal(0, 1, 2000)).astype("float32"))
episodes = metres.groupby(np.repeat([0, 1], 1000)).std()
same = pd.Series(np.full(1_000_000, 0.1, "float32"))
print(f"{metres.std():.3f} {episodes[0]:.3f} {episodes[1]:.3f} {same.std():.5f} {metres.astype(float).std():.3f}")
pd.set_option("compute.use_bottleneck", False)
print(f"{metres.std():.3f} {same.std():.5f}")
assert version("pandas") == "3.1.1" and version("numpy") == "2.4.6"
PY
venv/bin/pip install -qq pandas==3.1.1 numpy==2.4.6
without=$(venv/bin/python -I -W error spread.py)
venv/bin/pip install -qq bottleneck==1.6.0 numpy==2.4.6
with=$(venv/bin/python -I -W error spread.py)
echo "std, of two groups, of one number, of float64; then with the option off"
printf 'without Bottleneck:\n%s\nwith:\n%s\n' "$without" "$with"
off=$'\n1.015 0.00000'
test "$without" = "1.015 0.998 1.031 0.00000 1.015$off" || { echo "pandas alone is another"; exit 1; }
test "$with" = "52.496 0.998 1.031 0.00095 1.015$off" || { echo "Bottleneck changes something else now"; exit 1; }
