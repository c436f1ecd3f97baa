#!/usr/bin/env bash
# tbparse's wide table of several runs leaves out a run whose cost is NaN, and the next run takes its place in the list.
#
# Versions: tbparse 0.0.9, tensorboard 2.21.0, pandas 2.3.3, numpy 2.4.6.
# One would guess: a cell of three runs holds three numbers, one of them NaN, in the order of the runs at every step.
# What happens: with `pivot=True` the values of one step and name are put into a list, and NaN is not. A list of one
#   becomes the number itself. The long table keeps NaN. That values are merged is said; that some are dropped is not.
# Seen: costs 5, 4, 3 of run 1, 9, NaN, NaN of run 2 that diverged, and 1, 1, 1 of run 3. The cells are [5, 9, 1],
#   [4, 1] and [3, 1]: the second run now has the costs of the third, and the mean falls from 5 to 2.5 and 2. Of runs 1
#   and 2 alone, the cells are [5, 9], 4 and 3.
# Why it matters: the curve over seeds gets better at the very step where a seed breaks down, and the best seed, by its
#   place in the list, is another one than before.
# Way round: `SummaryReader(..., pivot=True, extra_columns={"dir_name"})` has a row for each run, with its NaN.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq tbparse==0.0.9 tensorboard==2.21.0 pandas==2.3.3 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from tbparse import SummaryReader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

print({name: version(name) for name in ("tbparse", "tensorboard", "pandas", "numpy")})
COSTS = {"run1": [5.0, 4.0, 3.0], "run2": [9.0, np.nan, np.nan], "run3": [1.0, 1.0, 1.0]}


def write(folder, costs):
    writer = EventFileWriter(folder)
    for step, cost in enumerate(costs):
        writer.add_event(Event(step=step, summary=Summary(value=[Summary.Value(tag="cost", simple_value=cost)])))
    writer.close()


for name, costs in COSTS.items():
    write(f"runs/{name}", costs)
    if name != "run3":
        write(f"two/{name}", costs)
wide = SummaryReader("runs", pivot=True).scalars["cost"].tolist()
two = SummaryReader("two", pivot=True).scalars["cost"].tolist()
long = SummaryReader("runs").scalars["value"]
print("three runs", wide, "means", [float(np.mean(cell)) for cell in wide], "two runs", two)
assert wide == [[5, 9, 1], [4, 1], [3, 1]], "NaN is kept in the list now"
assert [float(np.mean(cell)) for cell in wide] == [5, 2.5, 2] and two == [[5, 9], 4, 3]
assert len(long) == 9 and long.isna().sum() == 2, "the long table has another length now"

rows = SummaryReader("runs", pivot=True, extra_columns={"dir_name"}).scalars
apart = rows.pivot(index="step", columns="dir_name", values="cost")
print(apart)
assert all(np.array_equal(apart[name], costs, equal_nan=True) for name, costs in COSTS.items()), "the way round fails"
PY
