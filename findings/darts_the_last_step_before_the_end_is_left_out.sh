#!/usr/bin/env bash
# Darts' slice from 0 to 940 of a log with a step every 100 ms ends at 800, and not at 900.
#
# Versions: darts 0.41.0, pandas 3.1.1, numpy 2.4.6.
# One would guess: `series.slice(0, 940)` holds all steps from 0 on and before 940. The docstring says that the end is
#   left out, and that it need not be a time of the series.
# What happens: the end is replaced by the nearest time of the series, and this is left out. If it lies before the
#   end, a step that belongs to the slice is lost. No error or warning. Times that are dates are cut right.
# Seen: of the steps 0, 100, ..., 1900, the ends 901, 940 and 950 give 9 steps, and 951 and 1000 give ten. `slice(450,
#   540)` is empty, and should hold 500. Of all 1,900 ends from 1 to 1900, 950 lose their last step.
# Why it matters: the step before the end of an episode is the one with the crash. A cost of 1 at 900 is in no half of
#   the log when it is cut at 940.
# Way round: `mask = (times >= start) & (times < end)` for `times = series.time_index`, then `series[times[mask]]`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq darts==0.41.0 pandas==3.1.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
import logging
from importlib.metadata import version

import numpy as np
import pandas as pd

logging.disable(logging.WARNING)  # a word on PyTorch, which is not needed here
from darts import TimeSeries

print({name: version(name) for name in ("darts", "pandas", "numpy")})
steps = np.arange(0, 2000, 100)
cost = (steps == 900).astype(float)
log = TimeSeries.from_times_and_values(pd.RangeIndex(0, 2000, 100), cost)
assert log.time_index.tolist() == steps.tolist() and cost.sum() == 1


def right(start, end):
    return [int(step) for step in steps if start <= step < end]


def seen(start, end):
    return log.slice(start, end).time_index.tolist()


ends = {end: len(seen(0, end)) for end in (900, 901, 940, 950, 951, 1000)}
print("steps from 0 to each end:", ends)
assert ends == {900: 9, 901: 9, 940: 9, 950: 9, 951: 10, 1000: 10}, "slices end elsewhere now"
assert [len(right(0, end)) for end in ends] == [9, 10, 10, 10, 10, 10]
first, second = log.slice(0, 940), log.slice(940, 1900)
halves = [float(half.values().sum()) for half in (first, second)]
print("last step before 940:", first.time_index[-1], "and costs of the two halves:", halves)
assert first.time_index[-1] == 800 and halves == [0, 0], "the crash is in a half now"
print("450 to 540 holds", seen(450, 540), "and should hold", right(450, 540))
assert seen(450, 540) == [] and right(450, 540) == [500], "the slice is not empty now"
wrong = [end for end in range(1, 1901) if seen(0, end) != right(0, end)]
assert all(seen(0, end) == right(0, end)[:-1] for end in wrong), "more than the last step is lost"
print("of the ends from 1 to 1900", len(wrong), "lose their last step")
assert len(wrong) == 950, "other ends lose their last step now"
dated = TimeSeries.from_times_and_values(pd.date_range("2026-01-01", periods=20, freq="100ms"), cost)
moment = dated.start_time()
dated = dated.slice(moment, moment + pd.Timedelta(milliseconds=940))
assert len(dated) == 10 and dated.values().sum() == 1, "dates are cut otherwise now"
times = log.time_index
assert log[times[(times >= 0) & (times < 940)]].values().sum() == 1, "the way round fails"
PY
