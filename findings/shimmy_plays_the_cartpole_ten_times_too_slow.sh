#!/usr/bin/env bash
# Shimmy says 10 pictures a second for dm_control's cartpole, which takes 100 steps a second.
#
# Versions: shimmy 2.0.1, dm_control 1.0.34, mujoco 3.3.7, gymnasium 1.4.0, imageio 2.38.1, packaging 26.4, numpy 2.4.6.
# One would guess: `metadata["render_fps"]` is 1 / dt, so that a video runs as fast as the robot.
# What happens: it is the time of a step in milliseconds, 1000 * dt. The two agree for steps of 31.6 ms only. The
#   dictionary belongs to the class: the environment that was made last sets the rate of all others.
# Seen: cartpole, steps of 10 ms: 10 instead of 100. Walker, 25 ms: 25 instead of 40. After the walker is made, the
#   cartpole's environment says 25 as well.
# Why it matters: `RecordVideo` and people's viewers take the rate from there. Who judges clips for safety sees the
#   cartpole move at a tenth of its speed, and two robots at two speeds.
# Way round: `RecordVideo(..., fps=round(1 / env.unwrapped.dt))`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq shimmy==2.0.1 dm_control==1.0.34 mujoco==3.3.7 gymnasium==1.4.0 imageio==2.38.1 \
  packaging==26.4 numpy==2.4.6
export MUJOCO_GL=disabled
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import gymnasium
import shimmy  # noqa: F401

print({name: version(name) for name in ("shimmy", "dm_control", "mujoco", "gymnasium", "numpy")})
made = {}
for name in ("cartpole-balance", "walker-walk"):
    made[name] = env = gymnasium.make(f"dm_control/{name}-v0").unwrapped
    print(name, "step", env.dt, "s, pictures a second", env.metadata["render_fps"], "right", round(1 / env.dt))
    assert round(env.metadata["render_fps"]) == round(1000 * env.dt) != round(1 / env.dt), "the rate is 1 / dt now"
cartpole = made["cartpole-balance"]
print("cartpole, after the walker was made:", cartpole.metadata["render_fps"])
assert cartpole.metadata["render_fps"] == 25, "each environment has its own rate now"
PY
