#!/usr/bin/env bash
# gym-xarm's clock moves 4 ms in a step that its `dt` and its frame rate say lasts 40 ms.
#
# Versions: gym-xarm 0.1.1, mujoco 2.3.7, gymnasium 1.4.0, gymnasium-robotics 1.4.2, numpy 2.4.6.
# One would guess: 25 steps of an environment with `dt` 0.04 and `render_fps` 25 last one second of the simulation.
# What happens: `dt` is 20 ticks of 2 ms, and `step` takes two ticks. The speeds in the observation are metres a second
#   times `dt`, so they are not the way of one step either. The README says nothing of time.
# Seen: the clock of MuJoCo moves 0.1 s in 25 steps. At full throttle the observation gives 0.048 a step, and the hand
#   moves 0.0048 m in the next step. With `dt` one computes 0.12 m/s where MuJoCo says 1.2 m/s.
# Why it matters: a speed limit for a hand near people is checked against a tenth of the speed that was simulated. A log
#   that gets its times from the frame rate holds ten times too long episodes.
# Way round: take times from `env.unwrapped.data.time`, and speeds from the ways between them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq gym-xarm==0.1.1 mujoco==2.3.7 gymnasium==1.4.0 gymnasium-robotics==1.4.2 numpy==2.4.6
MUJOCO_GL=disable venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import gym_xarm  # noqa: F401
import gymnasium
import numpy as np

print({name: version(name) for name in ("gym-xarm", "mujoco", "gymnasium", "gymnasium-robotics", "numpy")})


def drive(env, action, steps):
    """The seconds of `dt` and of MuJoCo's clock in so many steps."""
    inner = env.unwrapped
    start = inner.data.time
    for _ in range(steps):
        observation = env.step(action)[0]
    return steps * inner.dt, inner.data.time - start, observation


xarm = gymnasium.make("gym_xarm/XarmLift-v0")
xarm.reset(seed=5)
forward = np.array([1, 0, 0, 0], dtype=np.float32)
said, lasted, observation = drive(xarm, forward, 25)
print("frames a second", xarm.metadata["render_fps"], "25 steps should last", said, "and last", round(lasted, 6))
assert xarm.metadata["render_fps"] == 25 and said == 1 and abs(lasted - 0.1) < 1e-9, "the clock has changed"

hand, clock, speed = xarm.unwrapped.eef[0], xarm.unwrapped.data.time, observation[3]
drive(xarm, forward, 1)
way, seconds = xarm.unwrapped.eef[0] - hand, xarm.unwrapped.data.time - clock
print("speed observed", speed, "way of the next step", way)
print("metres a second by dt", way / xarm.unwrapped.dt, "by the clock", way / seconds)
assert 9.5 < speed / way < 10.5, "the observed speed is the way of a step now"
assert way / xarm.unwrapped.dt < 0.13 and 1.1 < way / seconds < 1.3, "the way round fails"

reacher = gymnasium.make("Reacher-v5")
reacher.reset(seed=5)
said, lasted, _ = drive(reacher, np.zeros(2), 25)
print("Gymnasium's Reacher: 25 steps should last", said, "and last", round(lasted, 6))
assert abs(said - lasted) < 1e-9, "Gymnasium's own task has another clock now"
PY
