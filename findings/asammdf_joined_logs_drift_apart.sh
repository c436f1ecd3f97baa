#!/usr/bin/env bash
# asammdf joins two logs so that signals of one moment of the second lie at different times.
#
# Versions: asammdf 8.8.28, numpy 2.4.6.
# One would guess: a log that is appended moves as a whole, by the end of the one before.
# What happens: every group of channels is moved on its own, by its own last time and its own sampling interval.
# Seen: two logs with rewards at 0, 0.1, ... 0.4 s and costs at 0, 0.25, 0.5 s. Joined, the second log's rewards
#   begin at 0.5 s and its costs at 0.75 s; they began together.
# Why it matters: the cost of the second log is paired with the wrong step, by more with every log that is joined.
#   Safety labels that are made from costs move to later segments.
# Way round: groups of one raster and one end in each log.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq asammdf==8.8.28 numpy==2.4.6
venv/bin/python -I - <<'PY'
from datetime import datetime, timezone
from importlib.metadata import version

import numpy as np
from asammdf import MDF, Signal

print({name: version(name) for name in ("asammdf", "numpy")})


def log(name, *groups):
    """A file with one group of channels for each (name, times)."""
    with MDF() as file:
        file.start_time = datetime(2026, 1, 1, tzinfo=timezone.utc)
        for channel, times in groups:
            file.append([Signal(np.arange(len(times), dtype=float), np.array(times), name=channel)])
        file.save(name, overwrite=True)
    return name


def starts(files):
    """When the second log begins in the joined file, by channel, in s."""
    with MDF.concatenate(files, sync=False) as joined:
        signals = [joined.get(name) for name in ("reward", "cost")]
        return [round(float(one.timestamps[np.flatnonzero(one.samples == 0)[1]]), 3) for one in signals]


rewards, costs = ("reward", [0, 0.1, 0.2, 0.3, 0.4]), ("cost", [0, 0.25, 0.5])
apart = starts([log(f"{index}.mf4", rewards, costs) for index in range(2)])
print("the second log begins at", apart, "s for rewards and costs")
assert apart == [0.5, 0.75], "joined logs no longer drift apart"
raster = ("cost", rewards[1])
assert starts([log(f"even_{index}.mf4", rewards, raster) for index in range(2)]) == [0.5, 0.5], "the way round fails"
PY
