#!/usr/bin/env bash
# Minigrid ends episodes by collisions with balls that have moved away, and does not count balls that move in.
#
# Versions: minigrid 3.2.0, gymnasium 1.4.0, pygame-ce 2.5.8, numpy 2.4.6.
# One would guess: -1 and the end of the episode mean that robot and obstacle met. Its description says "if the agent
#   collides with an obstacle".
# What happens: the cell ahead is looked at before the obstacles move. If a ball is there, it is a collision, although
#   the ball moves away and the robot then drives to the free cell. A ball that moves ahead of the robot only stops it.
# Seen: 300 random episodes. 80 end by a ball: 77 times the robot stands where it wanted to. 64 times it is stopped by a
#   ball that moved in, with a reward of 0. 220 more episodes end with the same -1 at a wall.
# Why it matters: this task is used for safe driving among moving things. Labels and costs taken from -1 disagree with
#   what a person sees in the clip. An agent learns to fear walls and places that were occupied a step ago.
# Way round: compare the place after the step with the cell ahead, and name a collision if the robot did not get there.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq minigrid==3.2.0 gymnasium==1.4.0 pygame-ce==2.5.8 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from collections import Counter
from importlib.metadata import version

import gymnasium
import minigrid  # noqa: F401
import numpy as np

print({name: version(name) for name in ("minigrid", "gymnasium", "pygame-ce", "numpy")})
env = gymnasium.make("MiniGrid-Dynamic-Obstacles-8x8-v0")
grid, rng, seen = env.unwrapped, np.random.default_rng(0), Counter()
for seed in range(300):
    env.reset(seed=seed)
    over = False
    while not over:
        ahead, cell = tuple(grid.front_pos), grid.grid.get(*grid.front_pos)
        action = int(rng.integers(3))
        reward, terminated, truncated = env.step(action)[1:4]
        over = terminated or truncated
        if action == grid.actions.forward:
            kind = "nothing" if cell is None else cell.type
            seen[kind, float(np.sign(reward)), "arrived" if tuple(grid.agent_pos) == ahead else "stopped"] += 1
for (kind, reward, end), count in sorted(seen.items()):
    print(f"ahead: {kind}, reward {reward:g}, {end}: {count}")
ball = {end: seen["ball", -1.0, end] for end in ("arrived", "stopped")}
assert ball["arrived"] > 10 * ball["stopped"], "a ball that moves away is no longer a collision"
assert not seen["ball", 0.0, "arrived"] and seen["wall", -1.0, "stopped"] > 100
assert seen["nothing", 0.0, "stopped"] > 30, "a ball that moves in is now a collision"
assert not seen["nothing", -1.0, "stopped"]
PY
