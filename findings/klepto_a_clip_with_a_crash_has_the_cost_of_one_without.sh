#!/usr/bin/env bash
# klepto's cache gives a clip with a crash the cost of a clip without one, when it is longer than 1,000 numbers.
#
# Versions: klepto 0.2.8, dill 0.4.1, pox 0.3.7, numpy 2.4.6.
# One would guess: a cached function returns what the function would return; `klepto.safe` is the careful one.
# What happens: the key is the `repr` of the arguments, in `klepto.safe` and with `picklemap()`, which does not pickle
#   unless it is told how. NumPy prints eight digits, and only the ends of an array of more than 1,000 numbers. The help
#   of the key maps says that keys are made by `repr`, and nothing of arrays.
# Seen: the costs of 5,000 calm steps are summed to 0, those with a cost of 100 at step 2,500 to 0 as well, without a
#   call. Arrays that hold 0.123456789 and 0.123456788 share one answer. With clips of 1,000 steps all are right.
# Why it matters: costs, returns and features of clips are cached because they are slow. Clips of one robot begin and
#   end alike, standing still: what differs is in the middle.
# Way round: `keymap=picklemap(serializer="dill")`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq klepto==0.2.8 dill==0.4.1 pox==0.3.7 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import klepto
import numpy as np
from klepto.keymaps import picklemap

print({name: version(name) for name in ("klepto", "dill", "pox", "numpy")})


def clips(length):
    """The costs of a calm clip and of one with a crash in the middle."""
    calm, crash = np.zeros(length), np.zeros(length)
    crash[length // 2] = 100.0
    return calm, crash



def shared(make, *rows):
    """What one cached function returns for one array after the other."""
    cached = make(lambda costs: float(costs.sum()))
    return [cached(row) for row in rows]


close = np.array([0.123456789]), np.array([0.123456788])
makers = {"safe": klepto.safe.inf_cache(), "picklemap": klepto.inf_cache(keymap=picklemap())}
for name, make in makers.items():
    long, small = shared(make, *clips(5000)), shared(make, *close)
    print(name, "5,000 steps", long, "close numbers", small, "1,000 steps", shared(make, *clips(1000)))
    assert long == [0.0, 0.0], "the crash is found now"
    assert small == [0.123456789] * 2, "close numbers have their own answers now"
    assert shared(make, *clips(1000)) == [0.0, 100.0], "short clips have changed"

make = klepto.inf_cache(keymap=picklemap(serializer="dill"))
print("way round", shared(make, *clips(5000)), shared(make, *close))
assert shared(make, *clips(5000)) == [0.0, 100.0] and len(set(shared(make, *close))) == 2, "the way round fails"
PY
