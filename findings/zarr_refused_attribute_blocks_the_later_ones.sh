#!/usr/bin/env bash
# After Zarr has refused one attribute, no other one of that group can be written.
#
# Versions: zarr 3.1.6, numpy 2.4.6.
# One would guess: an assignment that raises changes nothing, and the next one works.
# What happens: the value is put into the group's attributes in memory first, and then writing all of them
#   fails. It stays there, so that every later write fails too, with the error of the first.
# Seen: attrs["n"] = np.int64(3) raises TypeError, and so does attrs["done"] = True. In memory all of them
#   are there; the file has none of them.
# Why it matters: a recorder that catches the error of one odd value loses every later note (calibration,
#   who labelled, "done"), and reading them back in the same process shows them.
# Way round: `int(...)`, `.item()`; after an error `del` the attribute or open the group again.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq zarr==3.1.6 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
import zarr

print({name: version(name) for name in ("zarr", "numpy")})
group = zarr.open_group("log.zarr", mode="w")
refused = []
for name, value in (("n", np.int64(3)), ("done", True)):
    try:
        group.attrs[name] = value
    except TypeError as error:
        refused.append((name, str(error)))
stored = dict(zarr.open_group("log.zarr").attrs)
print(refused, "in memory", dict(group.attrs), "in the file", stored)
assert [name for name, _ in refused] == ["n", "done"], "the second attribute is no longer refused"
assert set(group.attrs) == {"n", "done"}, "memory no longer holds the refused attributes"
assert stored == {}, "the file now holds attributes"

again = zarr.open_group("log.zarr")
again.attrs["done"] = True
assert dict(zarr.open_group("log.zarr").attrs) == {"done": True}, "the way round fails"
PY
