#!/usr/bin/env bash
# TensorBoard's reader returns 10 of 12,000 logged points by one way of writing, 10,000 by the other.
#
# Versions: tensorboard 2.21.0, numpy 2.4.6.
# One would guess: what was logged is read back, or an argument says how much to read.
# What happens: `EventAccumulator` keeps a random sample of fixed size. TensorBoard's own `Writer` stores
#   scalars as tensors, of which 10 are kept; PyTorch's writer stores plain numbers, of which 10,000 are kept.
# Seen: 12,000 points. `Tensors` gives 10, `Scalars` 10,000. The last point is always among them.
# Why it matters: scripts read returns and costs of training so. Peaks and the worst cost are missing, and
#   counts of unsafe episodes are too low by an unknown share.
# Way round: `size_guidance={"scalars": 0, "tensors": 0}` keeps all.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq tensorboard==2.21.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary import Writer
from tensorboard.summary.writer.event_file_writer import EventFileWriter

print({name: version(name) for name in ("tensorboard", "numpy")})
POINTS = 12_000
writer = Writer("tensors")
plain = EventFileWriter("scalars")
for step in range(POINTS):
    writer.add_scalar("cost", float(step), step=step)
    value = Summary.Value(tag="cost", simple_value=float(step))
    plain.add_event(Event(step=step, summary=Summary(value=[value])))
writer.flush()
writer.close()
plain.close()


def read(folder, **settings):
    events = EventAccumulator(folder, **settings)
    events.Reload()
    found = events.Tensors("cost") if folder == "tensors" else events.Scalars("cost")
    return [event.step for event in found]


tensors, scalars = read("tensors"), read("scalars")
print("tensors", len(tensors), "scalars", len(scalars), "of", POINTS)
assert len(tensors) == 10, "tensors are no longer sampled"
assert len(scalars) == 10_000, "scalars are no longer sampled"
assert tensors[-1] == scalars[-1] == POINTS - 1
for folder in ("tensors", "scalars"):
    assert read(folder, size_guidance={"scalars": 0, "tensors": 0}) == list(range(POINTS)), "the way round fails"
PY
