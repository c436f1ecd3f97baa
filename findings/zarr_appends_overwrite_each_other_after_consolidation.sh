#!/usr/bin/env bash
# Appends to a Zarr array through a group with consolidated metadata overwrite each other, on the disk.
#
# Versions: zarr 3.1.6, numpy 2.4.6.
# One would guess: `group["reward"].append(episode)` adds an episode each time. Or consolidated metadata is renewed, or
#   forbids to write.
# What happens: the group takes the shape from its consolidated copy, which an append does not renew. So each append
#   begins where the first one did. Setting an attribute writes the old shape back, too.
# Seen: five steps, three appends of five more: the file ends with ten steps, the first five and the last. Opened again,
#   the group shows five. One append and then `attrs["unit"] = "m"`: five steps are left on the disk. It is so in both
#   formats; without consolidation there are 20 steps.
# Why it matters: xarray consolidates every log that it writes. A recorder that appends to such a log with Zarr keeps
#   its last episode, and no error is raised.
# Way round: `zarr.open_group(path, mode="r+", use_consolidated=False)`, and consolidate again at the end.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq zarr==3.1.6 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import zarr

print({name: version(name) for name in ("zarr", "numpy")})


def begin(path, zarr_format, consolidated=True, **opened):
    """Five steps of reward in a group, opened again for writing."""
    group = zarr.open_group(path, mode="w", zarr_format=zarr_format)
    group.create_array("reward", data=np.arange(5.0), chunks=(5,))
    if consolidated:
        zarr.consolidate_metadata(path)
    return zarr.open_group(path, mode="r+", **opened)


def end(path):
    """What the array holds, and the shape that the group shows."""
    return zarr.open_array(f"{path}/reward", mode="r")[:].tolist(), zarr.open_group(path, mode="r")["reward"].shape


LOST = [*range(5), *[30] * 5]
KEPT = [*range(5), *[10] * 5, *[20] * 5, *[30] * 5]
for zarr_format in (2, 3):
    for name, opened, expected in (
        ("consolidated", {}, (LOST, (5,))),
        ("plain", {"consolidated": False}, (KEPT, (20,))),
        ("way-round", {"use_consolidated": False}, (KEPT, (5,))),
    ):
        path = f"{name}-{zarr_format}.zarr"
        group = begin(path, zarr_format, **opened)
        for value in (10.0, 20.0, 30.0):
            group["reward"].append(np.full(5, value))
        print(path, *end(path))
        assert end(path) == expected, "appends are another now"
        zarr.consolidate_metadata(path)
        assert zarr.open_group(path, mode="r")["reward"].shape == (len(expected[0]),)
    path = f"attribute-{zarr_format}.zarr"
    group = begin(path, zarr_format)
    group["reward"].append(np.full(5, 10.0))
    group["reward"].attrs["unit"] = "m"
    print(path, *end(path))
    assert end(path) == ([*range(5)], (5,)), "an attribute keeps the shape now"
PY
