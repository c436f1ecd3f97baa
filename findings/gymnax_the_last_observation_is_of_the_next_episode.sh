#!/usr/bin/env bash
# gymnax as a Gymnasium environment ends each episode with the first observation of another one.
#
# Versions: gymnax 1.0.1, jax 0.10.2, flax 0.12.8, gymnasium 1.2.3, numpy 2.4.6 (and six, which gymnax does not name).
# One would guess: the step that terminates returns the state that ended the episode, as Gymnasium's API has it.
# What happens: environments of gymnax reset themselves within the step. `GymnaxToGymWrapper`, which makes one ordinary
#   environment of it, returns the state after that reset. Its docstring says "follow new step API". The README says of
#   gymnax's own steps that they reset, and that the last state is in `info["final_observation"]`; of the wrapper not.
# Seen: CartPole is pushed to the right until the pole is 12 degrees off. In the last observation the pole is upright
#   and the cart stands still. `final_observation` has -12.4 degrees and 1.5 m/s; Gymnasium's own CartPole ends alike.
# Why it matters: Minari's collector, SB3's replay memory and monitors store the returned one. No log holds a state of a
#   crash; models of costs that look at the next state learn that a crash is a calm start, and a time limit is followed
#   by the value of a start.
# Way round: a wrapper that returns `info["final_observation"]` when the episode is over.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq gymnax==1.0.1 jax==0.10.2 flax==0.12.8 gymnasium==1.2.3 numpy==2.4.6 six==1.17.0
JAX_PLATFORMS=cpu venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import gymnasium
import gymnax
import numpy as np
from gymnax.wrappers import GymnaxToGymWrapper

print({name: version(name) for name in ("gymnax", "jax", "flax", "gymnasium", "numpy")})


class Last(gymnasium.Wrapper):
    """Returns the state that ended the episode."""

    def step(self, action):
        observation, reward, terminated, truncated, info = self.env.step(action)
        over = bool(terminated) or bool(truncated)
        return info["final_observation"] if over else observation, reward, terminated, truncated, info


def end(env):
    """Speed of the cart and degrees of the pole before and in the observation that ends the episode."""
    before = env.reset(seed=5)[0]
    while True:
        observation, _, terminated, _, _ = env.step(1)
        if terminated:
            return [(round(float(o[1]), 2), round(float(np.rad2deg(o[2])), 1)) for o in (before, observation)]
        before = observation


wrapped = GymnaxToGymWrapper(*gymnax.make("CartPole-v1"))
results = {"gymnax": end(wrapped), "last state": end(Last(wrapped)), "Gymnasium": end(gymnasium.make("CartPole-v1"))}
for name, (before, last) in results.items():
    print(name, "before the end (m/s, degrees)", before, "at the end", last)
    assert before[0] > 1 and abs(before[1]) > 8, "the drive has changed"
    ended = last[0] > 1 and abs(last[1]) > 12
    assert ended == (name != "gymnax"), f"the end of {name} has changed"
assert abs(results["gymnax"][1][0]) < 0.06 and abs(results["gymnax"][1][1]) < 3, "the end is no start any more"
PY
