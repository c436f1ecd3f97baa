#!/usr/bin/env bash
# Gymnasium-Robotics' mazes give 100 steps at the goal 100 rewards, and say that none of them ends the episode.
#
# Versions: gymnasium-robotics 1.4.2, mujoco 3.3.7, gymnasium 1.4.0, numpy 2.4.6.
# One would guess: `compute_terminated` of a batch is one answer a row, as `compute_reward` gives, or it is an error.
# What happens: the reward measures the distance of each row. The end measures one distance, of the whole batch as one
#   long vector, and answers once. It grows with the number of rows. Not documented.
# Seen: a point maze that ends at the goal, robots 0.1 m from it, where 0.45 m is near. Of 20 rows: 20 rewards of 1 and
#   one answer, True. Of 21 rows: 21 rewards, and False.
# Why it matters: learning with relabelled goals asks for both in batches. Steps at a goal are then followed by more
#   rewards, and values are too high. A small test passes.
# Way round: `reward == 1` for sparse rewards, or one call of `compute_terminated` a row.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq gymnasium-robotics==1.4.2 mujoco==3.3.7 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import gymnasium
import gymnasium_robotics
import numpy as np

print({name: version(name) for name in ("gymnasium-robotics", "mujoco", "gymnasium", "numpy")})
gymnasium.register_envs(gymnasium_robotics)
env = gymnasium.make("PointMaze_UMaze-v3", continuing_task=False).unwrapped
goal = np.array([1.0, 1.0])


def ask(rows):
    achieved, desired = np.tile(goal + [0.1, 0], (rows, 1)), np.tile(goal, (rows, 1))
    rewards, ends = env.compute_reward(achieved, desired, {}), env.compute_terminated(achieved, desired, {})
    one_by_one = [env.compute_terminated(*row, {}) for row in zip(achieved, desired)]
    print(rows, "rows: rewards", rewards.sum(), "ends", ends, "one by one", sum(one_by_one))
    assert rewards.sum() == rows and sum(one_by_one) == rows, "the way round fails"
    return ends


assert ask(1) is True
assert ask(20) is True and ask(21) is False and ask(100) is False, "it has changed"
PY
