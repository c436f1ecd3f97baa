#!/usr/bin/env bash
# Gymnasium's Pusher reports the tip of the arm where it was before the joint angles of the same observation.
#
# Versions: gymnasium 1.4.0, mujoco 4.0.0, imageio 2.38.1 and packaging 26.4 (needed by it), numpy 2.4.6.
# One would guess: the positions in one observation belong to one moment.
# What happens: MuJoCo's step ends with new joint angles; positions of bodies are those from before its last
#   tick (10 ms). Gymnasium puts both into one observation and computes the reward from the old positions.
#   The first observation after a reset is consistent.
# Seen: 50 random actions: the tip computed from the observation's own joint angles is up to 6.6 mm from the
#   tip in the observation. After `mj_forward` they agree.
# Why it matters: rewards or safety labels recomputed from logged joint angles do not agree with the logged
#   ones, most where the arm is fastest. A model of the dynamics sees a delay in 6 of 23 columns.
# Way round: `mujoco.mj_forward(env.unwrapped.model, env.unwrapped.data)` and `_get_obs()` after each step.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq gymnasium==1.4.0 mujoco==4.0.0 imageio==2.38.1 packaging==26.4 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import gymnasium
import mujoco
import numpy as np

print({name: version(name) for name in ("gymnasium", "mujoco", "imageio", "packaging", "numpy")})
env = gymnasium.make("Pusher-v5").unwrapped
observation, _ = env.reset(seed=0)


def distance(observation):
    """From the tip in the observation (columns 14 to 16) to the tip that its joint angles give, in metres."""
    fresh = mujoco.MjData(env.model)
    fresh.qpos[:] = env.data.qpos
    assert np.array_equal(fresh.qpos[:7], observation[:7])
    mujoco.mj_forward(env.model, fresh)
    return np.abs(fresh.body("tips_arm").xpos - observation[14:17]).max()


assert distance(observation) < 1e-12, "the first observation is no longer consistent"
generator, late, mended = np.random.default_rng(0), [], []
for _ in range(50):
    action = generator.uniform(-1, 1, 7).astype(np.float32) * env.action_space.high
    late.append(distance(env.step(action)[0]))
    mujoco.mj_forward(env.model, env.data)
    mended.append(distance(env._get_obs()))
print("tip, largest distance in mm:", 1000 * max(late), "after mj_forward", 1000 * max(mended))
assert max(late) > 0.003, "the tip is no longer late"
assert max(mended) < 1e-12, "the way round fails"
PY
