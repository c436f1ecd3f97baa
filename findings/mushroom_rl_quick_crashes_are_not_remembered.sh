#!/usr/bin/env bash
# MushroomRL's replay memory with returns of five steps keeps none of 50 crashes that happened within three steps.
#
# Versions: mushroom-rl 1.10.1, torch 2.13.0, scipy 1.17.1, numpy 2.4.6.
# One would guess: the last steps of an episode get shorter returns, as there is nothing after the end to add.
# What happens: only steps with four more steps of their episode after them are stored. The last four of each episode
#   are no states of the memory, and an episode of fewer than five steps is left out whole. Not documented.
# Seen: 50 drives that crash at their third step and 50 of 20 calm steps. With one step 1,150 rows, 50 of them crashes.
#   With five steps 800 rows, none of them a crash, and the smallest return is 4.9, where a crash costs 100.
# Why it matters: what goes wrong at once is the most dangerous, and the critic never hears of it. Its values are those
#   of the calm drives.
# Way round: `n_steps_return=1`, or four copies of the end, with reward 0, after each episode.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq mushroom-rl==1.10.1 torch==2.13.0 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from mushroom_rl.utils.replay_memory import ReplayMemory

print({name: version(name) for name in ("mushroom-rl", "torch", "scipy", "numpy")})


def episode(length, crash, copies=0):
    steps = []
    for step in range(length):
        end = step == length - 1
        reward = -100.0 if crash and end else 1.0
        steps.append((np.array([step]), np.array([0.0]), reward, np.array([step + 1]), crash and end, end and not copies))
    for copy in range(copies):
        steps.append((np.array([length]), np.array([0.0]), 0.0, np.array([length]), crash, copy == copies - 1))
    return steps


def remember(n_steps, copies=0):
    data = sum([episode(3, True, copies) + episode(20, False) for _ in range(50)], [])
    memory = ReplayMemory(1, 5000)
    memory.add(data, n_steps_return=n_steps, gamma=0.99)
    returns = np.array(memory._rewards[: memory.size])
    crashes = int(np.sum(memory._absorbing[: memory.size]))
    print(f"{n_steps} steps, {copies} copies: {memory.size} rows, {crashes} ends in a crash, smallest {returns.min():.2f}")
    return memory.size, crashes, float(returns.min())


assert remember(1) == (1150, 50, -100.0)
size, crashes, smallest = remember(5)
assert (size, crashes) == (800, 0) and smallest > 4, "quick crashes are remembered now"
size, crashes, smallest = remember(5, copies=4)
assert crashes == 150 and smallest == -100, "the way round fails"
PY
