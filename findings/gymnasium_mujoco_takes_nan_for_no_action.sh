#!/usr/bin/env bash
# Gymnasium's MuJoCo tasks execute an action with one NaN as if all motors were off, and go on.
#
# Versions: gymnasium 1.4.0, mujoco 4.0.0, imageio 2.38.1 and packaging 26.4 (needed by it), numpy 2.4.6.
# One would guess: an error, or NaN in the observation, as NaN in an array spreads.
# What happens: MuJoCo sets all controls to zero when one of them is NaN and prints one warning an
#   environment, to the terminal and to MUJOCO_LOG.TXT. Observations and terminations stay as they are for zeros.
# Seen: HalfCheetah with the first of six actions NaN moves exactly as with six zeros. InvertedPendulum pays
#   the full reward of 1 a step for NaN, and its episode does not end.
# Why it matters: a policy whose network has diverged outputs NaN. It is evaluated as an agent that does
#   nothing, which is the safest one in most safe tasks. Data recorded so hold NaN actions with good results.
# Way round: check `np.isfinite(action)` before `step`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq gymnasium==1.4.0 mujoco==4.0.0 imageio==2.38.1 packaging==26.4 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import gymnasium
import numpy as np

print({name: version(name) for name in ("gymnasium", "mujoco", "imageio", "packaging", "numpy")})


def run(task, action):
    env = gymnasium.make(task)
    env.reset(seed=0)
    steps = [env.step(np.full(env.action_space.shape, action, np.float32)) for _ in range(5)]
    return np.array([step[0] for step in steps]), [step[1] for step in steps], [step[2] for step in steps]


one_nan = np.array([np.nan, 0.5, 0.5, 0.5, 0.5, 0.5], np.float32)
cheetah, still = run("HalfCheetah-v5", one_nan)[0], run("HalfCheetah-v5", 0)[0]
print("HalfCheetah, largest difference to zeros", np.abs(cheetah - still).max())
assert np.array_equal(cheetah, still), "one NaN no longer switches all motors off"
assert not np.array_equal(run("HalfCheetah-v5", 0.5)[0], still)
observations, rewards, ends = run("InvertedPendulum-v5", np.nan)
print("InvertedPendulum rewards", rewards, "ended", ends)
assert np.isfinite(observations).all() and rewards == [1] * 5 and not any(ends), "NaN is now noticed"
PY
