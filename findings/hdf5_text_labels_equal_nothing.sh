#!/usr/bin/env bash
# A column of words read by h5py equals none of the words that were written.
#
# Versions: h5py 3.16.0, numpy 2.4.6.
# One would guess: words written as `str` are read as `str`, as attributes are; or comparing them fails.
# What happens: datasets give `bytes`. NumPy compares bytes with text element by element, and all are unequal,
#   without an error or a warning.
# Seen: "safe", "unsafe", "safe" written; `column == "safe"` is False three times, `"safe" in column` is
#   False. An attribute with a word comes back as `str`.
# Why it matters: `data[column == "safe"]` is empty, and `data[column != "unsafe"]` is everything, the unsafe
#   clips included.
# Way round: `dataset.asstr()[:]`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq h5py==3.16.0 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import h5py
import numpy as np

print({name: version(name) for name in ("h5py", "numpy")})
with h5py.File("labels.h5", "w") as file:
    file["label"] = ["safe", "unsafe", "safe"]
    file.attrs["label"] = "safe"
    column, words, attribute = file["label"][:], file["label"].asstr()[:], file.attrs["label"]
print(column, (column == "safe").tolist(), "attribute", repr(attribute))
assert (column == "safe").tolist() == [False] * 3, "text now equals what was written"
assert (column != "unsafe").all(), "the unsafe clip is now left out"
assert "safe" not in column and attribute == "safe"
assert np.array_equal(words == "safe", [True, False, True]), "the way round fails"
PY
