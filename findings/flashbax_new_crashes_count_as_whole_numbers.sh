#!/usr/bin/env bash
# Flashbax gives new steps the highest priority so far, cut to a whole number: 1 where it is 1.9.
#
# Versions: flashbax 0.1.3, jax 0.10.2, flax 0.12.8, numpy 2.4.6.
# One would guess: a new step gets the highest priority that was ever set, as the docstring says ("assigns the maximum
#   recorded priority"), and so is drawn at least as often as any other.
# What happens: the priorities of new steps are made in the type of their row numbers, which is an integer. Whatever
#   follows the point is cut off.
# Seen: four steps with the errors 0.1, 0.2, 0.3 and 1.9, then two new ones. The new ones get 1.0, and are drawn half as
#   often as the worst of the old ones. With all errors times 1,000 they get 1,900, and are drawn as often.
# Why it matters: errors of normalised rewards and costs lie below ten. The steps that nobody has learnt from yet, a
#   first crash among them, wait behind those that are known to be hard.
# Way round: multiply the errors by 1,000 before `set_priorities`; the probabilities stay the same.
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


def drawn(scale):
    """Priorities of four old steps and two new ones, and how often each is drawn in 10,000."""
    buffer = flashbax.make_prioritised_trajectory_buffer(
        add_batch_size=1,
        sample_batch_size=10_000,
        sample_sequence_length=1,
        period=1,
        min_length_time_axis=1,
        max_length_time_axis=16,
        priority_exponent=1.0,
        device="cpu",
    )
    state = buffer.init({"step": jnp.int32(0)})
    state = buffer.add(state, {"step": jnp.arange(4, dtype=jnp.int32)[None]})
    state = buffer.set_priorities(state, jnp.arange(4), scale * jnp.array([0.1, 0.2, 0.3, 1.9]))
    state = buffer.add(state, {"step": jnp.arange(4, 6, dtype=jnp.int32)[None]})
    leaves = state.sum_tree_state.nodes[-16:][:6]
    steps = np.asarray(buffer.sample(state, jax.random.key(0)).experience["step"]).ravel()
    return np.asarray(leaves).round(3).tolist(), np.bincount(steps).tolist()


priorities, counts = drawn(1.0)
print("priorities", priorities, "drawn", counts)
assert priorities[4:] == [1, 1] and abs(priorities[3] - 1.9) < 1e-3, "new steps get the highest priority now"
assert counts[4] < 0.6 * counts[3], "new steps are drawn as often as the worst now"
priorities, counts = drawn(1000.0)
print("times 1,000:", priorities, "drawn", counts)
assert priorities[3:] == [1900, 1900, 1900] and abs(counts[4] / counts[3] - 1) < 0.05, "the way round fails"
PY
