#!/usr/bin/env bash
# Jumanji as a dm_env environment starts no second episode: after the crash at step 9 it drives on to row -92.
#
# Versions: jumanji 1.1.2, jax 0.10.2, dm-env 1.6, numpy 2.4.6.
# One would guess: the step after a last one starts a new episode and ignores the action. dm_env asks for that, and
#   the docstring of `JumanjiToDMEnvWrapper.step` promises it.
# What happens: the wrapper passes every action on to the state that has ended. Each further step is of type LAST
#   again, with a discount of 0. No error or warning.
# Seen: Snake, 12 rows, 100 steps upward from row 8. Step 9 leaves the board and is the last of the episode. The other
#   91 are LAST too, none is FIRST, and the head ends in row -92. With `reset()` after each last step 10 episodes end,
#   10 more begin, and the head is never further out than row -1.
# Why it matters: a loop that relies on dm_env's rule logs a single episode, and then 91 ends without a drive before
#   them: 92 crashes instead of 10. A policy is judged by one episode only.
# Way round: call `reset()` after each step with `last()`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq jumanji==1.1.2 jax==0.10.2 dm-env==1.6 numpy==2.4.6
JAX_PLATFORMS=cpu venv/bin/python -I -W ignore - <<'PY'
from collections import Counter
from importlib.metadata import version

import numpy as np
from dm_env import Environment
from jumanji.environments import Snake
from jumanji.wrappers import JumanjiToDMEnvWrapper

print({name: version(name) for name in ("jumanji", "jax", "dm-env", "numpy")})


def upward(steps, reset_after_last):
    """Types of the steps, episodes that were begun, and rows of the head."""
    env = JumanjiToDMEnvWrapper(Snake())
    assert isinstance(env, Environment)
    now, begun, types, rows = env.reset(), 1, [], []
    rows.append(int(env._state.head_position.row))
    for _ in range(steps):
        if reset_after_last and now.last():
            now = env.reset()
            begun += 1
        else:
            now = env.step(np.int32(0))
        types.append(["FIRST", "MID", "LAST"][int(now.step_type)])
        rows.append(int(env._state.head_position.row))
        assert not now.last() or float(now.discount) == 0
    return types, begun, rows


types, begun, rows = upward(100, False)
first = 1 + types.index("LAST")
print("100 steps:", dict(Counter(types)), "first end at step", first, "rows", rows[0], "to", rows[-1])
assert types == ["MID"] * 8 + ["LAST"] * 92 and rows == list(range(8, -93, -1)), "a new episode is begun now"
types, begun, rows = upward(100, True)
print("with reset:", dict(Counter(types)), "episodes", begun, "lowest row", min(rows))
assert begun > 9 and types.count("FIRST") == begun - 1 and min(rows) == -1, "the way round fails"
PY
