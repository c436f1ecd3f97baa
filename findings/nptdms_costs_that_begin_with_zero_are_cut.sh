#!/usr/bin/env bash
# npTDMS writes the list of costs [0, 0.5, 2.5] as 0, 0, 2, and [0.0, 0.5, 2.5] as it is.
#
# Versions: npTDMS 1.13.0, numpy 2.4.6.
# One would guess: a list becomes what `numpy.array` makes of it, float64 if one number has a fraction.
# What happens: if the first value is an `int`, the smallest integers that hold the largest and the smallest value are
#   taken, and all fractions are cut. Nothing is said. The docstring names arrays, and the code has a way for lists.
# Seen: [0, 0.5, 2.5] is int8 0, 0, 2; [1, 300.75, 70000.25] is int32 1, 300, 70000. With 0.0 first, or as an array, all
#   are float64 and exact.
# Why it matters: `sum` of nothing is the integer 0, and JSON and YAML give 0 for a cost of zero, so an episode that
#   begins safely has costs of whole numbers, and one that does not has exact ones.
# Way round: `numpy.asarray(costs, float)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq npTDMS==1.13.0 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
import json
from importlib.metadata import version

import numpy as np
from nptdms import ChannelObject, TdmsFile, TdmsWriter

print({name: version(name) for name in ("npTDMS", "numpy")})


def through_a_file(costs):
    with TdmsWriter("drive.tdms") as writer:
        writer.write_segment([ChannelObject("drive", "cost", costs)])
    return TdmsFile.read("drive.tdms")["drive"]["cost"][:]


lists = [json.loads(line) for line in ("[0, 0.5, 2.5]", "[0.0, 0.5, 2.5]", "[1, 300.75, 70000.25]")]
seen = [through_a_file(costs) for costs in lists]
for costs, array in zip(lists, seen):
    print(costs, "becomes", array.dtype, array.tolist())
assert seen[0].dtype == np.int8 and seen[0].tolist() == [0, 0, 2], "costs that begin with 0 are not cut now"
assert seen[1].dtype == np.float64 and seen[1].tolist() == lists[1], "costs that begin with 0.0 are written otherwise"
assert seen[2].tolist() == [1, 300, 70000], "costs that begin with 1 are not cut now"
for costs in lists:
    array = through_a_file(np.asarray(costs, float))
    assert array.tolist() == costs, "the way round fails"
PY
