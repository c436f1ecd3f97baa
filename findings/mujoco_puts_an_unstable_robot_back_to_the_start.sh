#!/usr/bin/env bash
# MuJoCo puts a robot that became unstable back to the start of the model, in the middle of an episode.
#
# Versions: mujoco 4.0.0, gymnasium 1.4.0, imageio 2.38.1 and packaging 26.4 (needed by it), numpy 2.4.6.
# One would guess: NaN or very large numbers in the state, or an error, so that the episode can be thrown away.
# What happens: when an acceleration is NaN or larger than 1e10, the state is reset to the model's default
#   and the clock to 0. The terminal shows that the simulation is unstable, not that it started anew.
#   Gymnasium's `step` returns the new state as the next one, without an end of the episode.
# Seen: a Hopper whose speed is set to 1e9: after the step it stands at its start height of 1.25, at rest but
#   for gravity, and `data.time` is that of a first step. It earns the reward for being healthy.
# Why it matters: the recorded transition leads from a crash to the start. A learner takes it for a way out, and
#   the cost of the crash is that of one step.
# Way round: compare `env.unwrapped.data.time` before and after each step, or set the option flag `autoreset` off.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq mujoco==4.0.0 gymnasium==1.4.0 imageio==2.38.1 packaging==26.4 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import gymnasium
import mujoco
import numpy as np

print({name: version(name) for name in ("mujoco", "gymnasium", "imageio", "packaging", "numpy")})
env = gymnasium.make("Hopper-v5").unwrapped
env.reset(seed=0)
action = np.zeros(3, np.float32)
for _ in range(20):
    env.step(action)
before, fast = env.data.time, env.data.qvel.copy()
fast[:] = 1e9
env.set_state(env.data.qpos.copy(), fast)
observation, _, terminated, truncated, info = env.step(action)
print("time", before, "->", env.data.time, "observation", observation.round(2), "ended", terminated, truncated, info)
assert env.data.time < before, "the clock no longer starts anew"
assert np.isfinite(observation).all() and abs(observation[0] - 1.25) < 0.05, "the robot is no longer at its start"
assert not terminated and info["reward_survive"] == 1, "the episode now ends"

env.model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET
env.reset(seed=0)
env.set_state(env.data.qpos.copy(), fast)
observation = env.step(action)[0]
print("autoreset off", observation)
assert not np.isfinite(observation).all() or np.abs(env.data.qpos).max() > 1e3, "the way round fails"
PY
