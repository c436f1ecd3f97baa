#!/usr/bin/env bash
# panda-gym's stacking task is solved by two cubes that lie on the table, eight centimetres apart.
#
# Versions: panda-gym 3.0.7, pybullet 3.2.7, gymnasium 1.4.0, scipy 1.17.1, numpy 2.4.6.
# One would guess: `is_success` of "PandaStack" says that the green cube stands on the blue one.
# What happens: success is a distance below 10 cm between the six coordinates of both cubes and those of the goal. The
#   edge of a cube is 4 cm. A cube that lies beside the other is close enough, and the episode ends with the reward of
#   success. The README shows a stack and names no distance.
# Seen: the blue cube at its goal, the green one on the table 4.5 cm or 8 cm from it: success. At 12 cm: none.
# Why it matters: success rates, demonstrations filtered by `is_success` and labels made from it hold drives in which
#   nothing was ever lifted. Whoever labels clips by eye disagrees with the simulator.
# Way round: ask for the height of the second cube as well, as below.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq panda-gym==3.0.7 pybullet==3.2.7 gymnasium==1.4.0 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import gymnasium
import numpy as np
import panda_gym  # noqa: F401

print({name: version(name) for name in ("panda-gym", "pybullet", "gymnasium", "scipy", "numpy")})
env = gymnasium.make("PandaStack-v3")
goal = env.reset(seed=1)[0]["desired_goal"].astype(float)
print("goal", goal.round(3), "edge of a cube", env.unwrapped.task.object_size)


def outcome(away, up):
    """Success, reward and heights of the cubes after a step in which the arm rests far above them."""
    upright = np.array([0.0, 0.0, 0.0, 1.0])
    env.unwrapped.sim.set_base_pose("object1", goal[:3], upright)
    env.unwrapped.sim.set_base_pose("object2", goal[:3] + [away, 0, up], upright)
    observation, reward, terminated, _, info = env.step(np.zeros(4, dtype=np.float32))
    lower, upper = observation["achieved_goal"][[2, 5]].round(3).tolist()
    print("away", away, "up", up, "success", info["is_success"], "reward", reward, "heights", lower, upper)
    return info["is_success"], terminated, reward, upper > lower + 0.03


assert outcome(0, 0.04) == (True, True, 0, True), "a stack is no success any more"
for away in (0.045, 0.08):
    assert outcome(away, 0) == (True, True, 0, False), "cubes beside each other are no success any more"
assert outcome(0.12, 0) == (False, False, -1, False), "the limit has changed"
PY
