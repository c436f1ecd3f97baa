#!/usr/bin/env bash
# safetensors.numpy saves a transposed or sliced array with its values in other places.
#
# Versions: safetensors 0.8.0, numpy 2.4.6.
# One would guess: an array that is a view (transposed, every second column) comes back equal,
#   or is refused, as `safetensors.torch` refuses a tensor that is not contiguous.
# What happens: the bytes are written in memory order under the logical shape. No error, no warning.
# Seen: a (3, 2) array [[0 3] [1 4] [2 5]] comes back as [[0 1] [2 3] [4 5]].
#   A (2, 2) slice [[0 2] [3 5]] comes back as [[0 1] [2 3]].
# Why it matters: weights of `x @ W.T` layers, and columns cut out of a log, are such views.
#   A policy saved so loads without complaint and acts on scrambled weights.
# Way round: `np.ascontiguousarray` on every array before saving, and a comparison after reading back.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq safetensors==0.8.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
from safetensors.numpy import load_file, save_file

print({name: version(name) for name in ("safetensors", "numpy")})
array = np.arange(6, dtype=np.float32).reshape(2, 3)
views = {"transposed": array.T, "columns": array[:, ::2]}
save_file(views, "views.safetensors")
back = load_file("views.safetensors")
for name, view in views.items():
    print(name, "saved", view.tolist(), "loaded", back[name].tolist())
    assert back[name].shape == view.shape, "the shape is no longer kept"
    assert not np.array_equal(back[name], view), "the view is now saved right"
    assert np.array_equal(back[name].ravel(), np.arange(view.size)), "no longer memory order"

contiguous = {name: np.ascontiguousarray(view) for name, view in views.items()}
save_file(contiguous, "contiguous.safetensors")
back = load_file("contiguous.safetensors")
assert all(np.array_equal(back[name], views[name]) for name in views), "the way round fails"
PY
