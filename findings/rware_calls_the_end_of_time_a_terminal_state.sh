#!/usr/bin/env bash
# RWARE's warehouse reports its step limit as the end of the task: terminated is True, and truncated never is.
#
# Versions: rware 2.0.0, gymnasium 1.4.0, networkx 3.6.1, pyglet 1.5.31, numpy 2.4.6.
# One would guess: the five values of Gymnasium's step. A limit of steps is a truncation, after which the state has a
#   value. The warehouse has no terminal state.
# What happens: `step` returns done for terminated and always False for truncated. Done is only ever set by `max_steps`
#   or by too many steps without a delivery. The observation does not hold the time.
# Seen: max_steps of 10: step 10 gives terminated True and truncated False. With Gymnasium's own limit of 10 around an
#   environment without one it is the other way.
# Why it matters: every learner that cuts the value at terminated takes a robot at work for one whose future is worth 0.
#   Nothing that the robot sees tells when. Logs store the ends as terminal.
# Way round: `gymnasium.make(name, max_steps=None, max_inactivity_steps=None, max_episode_steps=500)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq rware==2.0.0 gymnasium==1.4.0 networkx==3.6.1 pyglet==1.5.31 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import gymnasium
import rware  # noqa: F401

print({name: version(name) for name in ("rware", "gymnasium", "networkx", "pyglet", "numpy")})


def end(**limits):
    env = gymnasium.make("rware-tiny-2ag-v2", disable_env_checker=True, **limits)
    env.reset(seed=0)
    for step in range(1, 100):
        terminated, truncated = env.step((0, 0))[2:4]
        if terminated or truncated:
            return step, terminated, truncated


kinds = {
    "max_steps": dict(max_steps=10),
    "max_inactivity_steps": dict(max_steps=None, max_inactivity_steps=10),
    "max_episode_steps": dict(max_steps=None, max_inactivity_steps=None, max_episode_steps=10),
}
seen = {name: end(**limits) for name, limits in kinds.items()}
print("step, terminated, truncated:", seen)
assert seen["max_steps"] == seen["max_inactivity_steps"] == (10, True, False), "the limit is no longer terminal"
assert seen["max_episode_steps"] == (10, False, True), "the way round fails"
PY
