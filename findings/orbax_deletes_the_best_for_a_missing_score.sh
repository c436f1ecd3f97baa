#!/usr/bin/env bash
# Orbax deletes the best checkpoint when one score is missing (NaN), and calls a worse one the best.
#
# Versions: orbax-checkpoint 0.12.8, jax 0.10.2, numpy 2.4.6.
# One would guess: a checkpoint without a score is never the best, and does not change the order of the others.
# What happens: checkpoints are sorted by score, and every comparison with NaN is false. The sort stops short, and
#   what then stands on the wrong side of the NaN is deleted from the disk.
# Seen: scores 1, 5, NaN, 3 and `max_to_keep=2`. Kept are the checkpoints of NaN and of 3, and `best_step()` is the
#   one of 3; the one of 5 is gone. With `best_mode="min"` the one of 1 is gone. Without the NaN, 5 and 3 are kept.
# Why it matters: an evaluation without a finished episode, or a rate of 0 / 0, is NaN. The policy that was chosen
#   by hours of work cannot be brought back.
# Way round: a `best_fn` that returns -inf for NaN, and +inf for "min".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq orbax-checkpoint==0.12.8 jax==0.10.2 numpy==2.4.6
venv/bin/python -I -W ignore - 2>log <<'PY'
import tempfile
from importlib.metadata import version
from math import inf, isnan, nan
from pathlib import Path

import numpy as np
import orbax.checkpoint as ocp

print({name: version(name) for name in ("orbax-checkpoint", "jax", "numpy")})


def kept(scores, mode, score=lambda metrics: metrics["return"]):
    folder = Path(tempfile.mkdtemp(dir=".")).resolve()
    options = ocp.CheckpointManagerOptions(max_to_keep=2, best_fn=score, best_mode=mode)
    with ocp.CheckpointManager(folder, options=options) as manager:
        for step, value in enumerate(scores):
            manager.save(step, args=ocp.args.StandardSave({"weight": np.full(1, step)}), metrics={"return": value})
            manager.wait_until_finished()
        return [scores[step] for step in manager.all_steps()], scores[manager.best_step()]


def without_nan(metrics):
    return -inf if isnan(metrics["return"]) else metrics["return"]


numbers = [1.0, 5.0, nan, 3.0]
whole, missing, least = kept([1.0, 5.0, 2.0, 3.0], "max"), kept(numbers, "max"), kept(numbers, "min")
print("scores kept, and the best: 1, 5, 2, 3", whole, "1, 5, NaN, 3", missing, "the same, for the smallest", least)
assert whole == ([5.0, 3.0], 5.0)
assert isnan(missing[0][0]) and missing[0][1] == missing[1] == 3.0, "the best is kept"
assert isnan(least[0][0]) and least[0][1] == least[1] == 3.0, "the best is kept"
assert kept(numbers, "max", without_nan) == ([5.0, 3.0], 5.0), "the way round fails"
PY
