#!/usr/bin/env bash
# Flashbax's mixer draws from the older half of two prioritised buffers only when it mixes them one to one.
#
# Versions: flashbax 0.1.3, jax 0.10.2, flax 0.12.8, numpy 2.4.6.
# One would guess: half of a mixed batch are draws from each buffer, by its priorities. Every step may come.
# What happens: the mixer asks each buffer for a batch and keeps its first rows. A batch of a prioritised buffer is
#   stratified: row 1 comes from the start of the buffer, the last row from its end. No word of it in the docs.
# Seen: demonstrations and drives of 100 steps each, batches of 64 one to one. In 6,400 draws the steps 50 to 99 never
#   come. The last drive step is a crash with half of all priority: 1 of 2 draws alone, none of 3,200 in the mixture.
#   With 3 to 1 it is the last three quarters of the second buffer. Buffers without priorities give all their steps.
# Why it matters: a mixture of demonstrations and own drives, as in RLPD, leaves out what was met last, however bad its
#   error is. The batch has the right size and the right shares.
# Way round: give each buffer its share as `sample_batch_size`, so that nothing is cut.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq flashbax==0.1.3 jax==0.10.2 flax==0.12.8 numpy==2.4.6
JAX_PLATFORMS=cpu venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import flashbax
import jax
import jax.numpy as jnp
import numpy as np

print({name: version(name) for name in ("flashbax", "jax", "flax", "numpy")})
common = {
    "add_batch_size": 1,
    "sample_sequence_length": 1,
    "period": 1,
    "min_length_time_axis": 1,
    "max_length_time_axis": 128,
}


def filled(first, size, crash=False, **prioritised):
    """A buffer of 100 steps that gives batches of this size, and its state."""
    if prioritised:
        buffer = flashbax.make_prioritised_trajectory_buffer(sample_batch_size=size, **prioritised, **common)
    else:
        buffer = flashbax.make_trajectory_buffer(sample_batch_size=size, **common)
    state = buffer.init({"step": jnp.int32(0)})
    state = buffer.add(state, {"step": jnp.arange(first, first + 100, dtype=jnp.int32)[None]})
    if crash:
        state = buffer.set_priorities(state, jnp.array([99]), jnp.array([99.0]))
    return buffer, state


def drawn(sample, state):
    """How often each step comes in 100 batches: of the demonstrations, and of the drives."""
    sample = jax.jit(sample)
    steps = [np.asarray(sample(state, jax.random.key(seed)).experience["step"]).ravel() for seed in range(100)]
    return np.bincount(np.concatenate(steps), minlength=200).reshape(2, 100)


def mixed(demonstrations, drives, shares=(1, 1)):
    mixer = flashbax.make_mixer([demonstrations[0], drives[0]], 64, shares)
    return drawn(mixer.sample, [demonstrations[1], drives[1]])


by_priority = {"priority_exponent": 1.0, "device": "cpu"}
even, crash = filled(0, 64, **by_priority), filled(100, 64, crash=True, **by_priority)
alone = drawn(crash[0].sample, crash[1])[1]
print("drives alone: of", alone.sum(), "draws the crash is", alone[99])
assert abs(alone[99] / alone.sum() - 0.5) < 0.02, "the crash has another share alone"

demos, drives = mixed(even, crash)
print("mixed: demonstrations", demos.sum(), "last", demos.nonzero()[0].max())
print("mixed: drives", drives.sum(), "crash", drives[99])
assert demos.sum() == drives.sum() == 3200, "the shares have changed"
assert demos[:50].min() > 0 and demos[50:].sum() == 0, "newer steps come now"
assert drives[99] == 0, "the crash comes now"

demos, drives = mixed(even, filled(100, 64, **by_priority), (3, 1))
print("3 to 1: last", demos.nonzero()[0].max(), drives.nonzero()[0].max())
assert demos.nonzero()[0].max() == 74 and drives.nonzero()[0].max() == 24, "3 to 1 is another cut now"

demos, drives = mixed(filled(0, 64), filled(100, 64))
print("without priorities: steps never drawn", (demos == 0).sum() + (drives == 0).sum())
assert demos.min() > 0 and drives.min() > 0, "buffers without priorities are cut too"

demos, drives = mixed(filled(0, 32, **by_priority), filled(100, 32, crash=True, **by_priority))
print("batches of 32: demonstrations", demos.sum(), "crash", drives[99], "of", drives.sum())
assert demos.min() > 0 and abs(drives[99] / 3200 - 0.5) < 0.02, "the way round fails"
PY
