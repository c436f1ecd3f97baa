#!/usr/bin/env bash
# Shimmy calls the time limit of dm_control's football `terminated`, and the goal that ends the game `truncated`.
#
# Versions: shimmy 2.0.1, dm_control 1.0.34, mujoco 3.3.7, pettingzoo 1.27.0, gymnasium 1.4.0, imageio 2.38.1,
#   packaging 26.4, numpy 2.4.6.
# One would guess: a last step with a discount of 0 is `terminated`, and one with a discount of 1 `truncated`, as
#   dm_env has it and as Shimmy's wrapper for one robot does.
# What happens: the wrapper for several robots takes the two the other way round. No error or warning.
# Seen: two robots stand still for 10 steps, the limit: discount 1, terminated for both. The ball is put in the goal
#   at step 4 with `terminate_on_goal=True`: discount 0, rewards 1 and -1, truncated for both. One robot, the
#   cartpole, with a limit of 10 steps: discount 1, truncated.
# Why it matters: a critic cuts the value at the time limit, as if nothing came after it, and goes on after the true
#   end. A task in which a crash of one of several robots ends the game has no crash in its log, only time limits.
# Way round: swap the two, or read `infos[agent]["timestep.discount"]`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq shimmy==2.0.1 dm_control==1.0.34 mujoco==3.3.7 pettingzoo==1.27.0 gymnasium==1.4.0 \
  imageio==2.38.1 packaging==26.4 numpy==2.4.6
export MUJOCO_GL=disabled
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from dm_control import suite
from dm_control.locomotion import soccer
from shimmy import DmControlCompatibilityV0, DmControlMultiAgentCompatibilityV0

print({name: version(name) for name in ("shimmy", "dm_control", "mujoco", "pettingzoo", "gymnasium", "numpy")})


def football(limit, goal_at=None):
    """Steps, rewards, discount, terminated and truncated at the end of a game in which nobody moves."""
    game = soccer.load(1, limit, random_state=0, walker_type=soccer.WalkerType.BOXHEAD, terminate_on_goal=True)
    env = DmControlMultiAgentCompatibilityV0(game)
    env.reset(seed=0)
    for step in range(1, 1000):
        if step == goal_at:
            game.task.ball.set_pose(game.physics, game.task.arena.away_goal.mid)
        _, rewards, terminated, truncated, infos = env.step({name: np.zeros(3) for name in env.possible_agents})
        if any(terminated.values()) or any(truncated.values()):
            discount = {float(info["timestep.discount"]) for info in infos.values()}
            seen = [float(one) for one in rewards.values()], *discount, [*terminated.values()], [*truncated.values()]
            print("football: steps", step, "rewards, discount, terminated, truncated", seen)
            return step, *seen
    raise AssertionError("no end")


late = football(10 * 0.025)
goal = football(100 * 0.025, goal_at=4)
assert late == (10, [0, 0], 1, [True, True], [False, False]), "the time limit is told otherwise now"
assert goal == (4, [1, -1], 0, [False, False], [True, True]), "the goal is told otherwise now"
env = DmControlCompatibilityV0(suite.load("cartpole", "balance", {"random": 0, "time_limit": 10 * 0.01}))
env.reset(seed=0)
ends = [env.step(np.zeros(1))[2:] for _ in range(10)]
print("cartpole: terminated, truncated, discount", *ends[-1][:2], ends[-1][2]["timestep.discount"])
assert ends[-1][:2] == (False, True) and ends[-1][2]["timestep.discount"] == 1, "the wrapper for one has changed"
assert not any(one[0] or one[1] for one in ends[:-1])
PY
