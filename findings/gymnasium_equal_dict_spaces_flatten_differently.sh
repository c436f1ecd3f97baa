#!/usr/bin/env bash
# Two Dict spaces that Gymnasium calls equal flatten the same observation into different columns.
#
# Versions: gymnasium 1.4.0, numpy 2.4.6.
# One would guess: `a == b` means that flattening gives one result for both.
# What happens: a Dict space made from a `dict` sorts its keys. One made from keyword arguments or
#   from an OrderedDict keeps the order given. Equality ignores the order; `flatten` follows it.
# Seen: for speed 0.9 and gap (0.1, 0.2), one space gives [0.1 0.2 0.9], the equal one [0.9 0.1 0.2].
# Why it matters: the check "same observation space" passes when logs come from one of them and the
#   policy acts in the other. It then reads the gap as the speed.
# Way round: compare `list(space)` as well as the spaces, or flatten by a fixed list of keys.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from gymnasium.spaces import Box, Dict, flatten, flatten_space

print({name: version(name) for name in ("gymnasium", "numpy")})
speed, gap = Box(0, 1, (1,)), Box(0, 1, (2,))
logged = Dict({"speed": speed, "gap": gap})
acting = Dict(speed=speed, gap=gap)
observation = {"speed": np.array([0.9], np.float32), "gap": np.array([0.1, 0.2], np.float32)}
one, other = flatten(logged, observation), flatten(acting, observation)
print("equal:", logged == acting, "| keys", list(logged), list(acting))
print("flattened:", one, other)
assert logged == acting, "the order of the keys counts now"
assert flatten_space(logged) == flatten_space(acting)
assert np.allclose(one, [0.1, 0.2, 0.9]), "flattening changed"
assert np.allclose(other, [0.9, 0.1, 0.2]), "flattening changed"
PY
