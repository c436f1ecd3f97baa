#!/usr/bin/env bash
# EnvPool reports a crash in the last step that the time limit allows as that limit only, and Gymnasium reports both.
#
# Versions: envpool 1.0.1 (1.2.5 does the same, with 600 MB of models), gymnasium 1.4.0, numpy 2.4.6.
# One would guess: with `env_type="gymnasium"` the step that fails is terminated, and truncated too if it is the last.
# What happens: `truncated` is "done at the limit", and `terminated` is "done, and not truncated"
#   (gymnasium_envpool.py). So what ended the episode cannot be told at the limit.
# Seen: a pole that falls at step 10, and a lander that hits the ground at step 52 for a reward of -100. With a limit
#   one step later they are terminated. With a limit at that very step they are truncated only, -100 included.
# Why it matters: a crash is taken for a state with a future, and the critic adds the value of what would follow. With
#   short limits, as for clips of fixed length, this is no rare case. A count of crashes misses them.
# Way round: a limit one step longer, cut by yourself, or a crash flag from the observation or the reward.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq envpool==1.0.1 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I -W ignore - 2>log <<'PY'
from importlib.metadata import version

import envpool
import gymnasium
import numpy as np

print({name: version(name) for name in ("envpool", "gymnasium", "numpy")})


def drive(task, action, limit):
    env = envpool.make(task, env_type="gymnasium", num_envs=1, max_episode_steps=limit, seed=0)
    env.reset()
    for step in range(1, 1000):
        _, reward, terminated, truncated, _ = env.step(np.array([action]))
        if terminated[0] or truncated[0]:
            seen = step, float(reward[0]), bool(terminated[0]), bool(truncated[0])
            print(f"EnvPool {task}, limit {limit}: step, reward, terminated, truncated:", seen)
            return seen
    raise AssertionError("no end")


for task, action, steps, reward in (("CartPole-v1", 1, 10, 1.0), ("LunarLander-v3", 0, 52, -100.0)):
    assert drive(task, action, 500) == (steps, reward, True, False)
    assert drive(task, action, steps + 1) == (steps, reward, True, False), "the way round fails"
    assert drive(task, action, steps) == (steps, reward, False, True), "a crash at the limit is told now"


def pole(limit):
    env = gymnasium.make("CartPole-v1", max_episode_steps=limit)
    env.reset(seed=0)
    step, terminated, truncated = 0, False, False
    while not (terminated or truncated):
        _, _, terminated, truncated, _ = env.step(1)
        step += 1
    print(f"Gymnasium CartPole-v1, limit {limit}: step, terminated, truncated:", (step, terminated, truncated))
    return step, terminated, truncated


fall = pole(500)[0]
assert pole(fall) == (fall, True, True), "Gymnasium has changed"
PY
