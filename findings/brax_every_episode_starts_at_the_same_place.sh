#!/usr/bin/env bash
# Brax's training environments start every episode where the first one started.
#
# Versions: brax 0.14.2, jax 0.10.2, numpy 2.4.6.
# One would guess: after the end of an episode `AutoResetWrapper` resets, with a new random start.
# What happens: it puts the first state of the first episode back, for each of the parallel environments. The key of
#   `reset` is used once. The observation behind the end is not kept: the last step of an episode already shows the
#   first observation of the next one.
# Seen: `envs.create("inverted_pendulum", episode_length=5)` with two environments and 40 steps: 16 episodes, two
#   different starts. Two calls of `reset` with different keys: four.
# Why it matters: a log of a million steps holds as many starts as there were environments, and a policy that is judged
#   by it is judged on these. The last transition of each episode leads from the crash to the start.
# Way round: call `reset` with a new key between rollouts; take the end from `info["truncation"]` and `done`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq brax==0.14.2 jax==0.10.2 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np
from brax import envs

print({name: version(name) for name in ("brax", "jax", "numpy")})
env = envs.create("inverted_pendulum", episode_length=5, batch_size=2)
reset, step = jax.jit(env.reset), jax.jit(env.step)
state = reset(jax.random.PRNGKey(0))
starts, first = [np.asarray(state.obs)], np.asarray(state.obs)
for k in range(40):
    state = step(state, jnp.full((2, 1), 0.1 * (-1) ** k))
    ended = np.asarray(state.done) > 0
    if ended.any():
        starts.append(np.asarray(state.obs)[ended])
starts = np.concatenate(starts)
print(len(starts) - 2, "episodes ended,", len(np.unique(starts, axis=0)), "different starts")
other = np.asarray(reset(jax.random.PRNGKey(1)).obs)
print("resets with two keys:", len(np.unique(np.concatenate([first, other]), axis=0)), "different starts")
assert len(starts) - 2 >= 16 and len(np.unique(starts, axis=0)) == 2, "episodes have starts of their own now"
assert len(np.unique(np.concatenate([first, other]), axis=0)) == 4
PY
