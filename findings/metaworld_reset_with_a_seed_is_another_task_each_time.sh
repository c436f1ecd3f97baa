#!/usr/bin/env bash
# Meta-World starts at another goal at each `reset(seed=1)`: only the seed of `gym.make` counts.
#
# Versions: metaworld 3.1.1, mujoco 3.3.0, gymnasium 1.4.0, scipy 1.17.1, imageio 2.38.1, packaging 26.4, numpy 2.4.6.
# One would guess: `reset(seed=1)` twice gives one start, as Gymnasium's interface has it, and 1 and 2 give two.
# What happens: a generator of its own, made with the environment, picks one of 50 tasks at every reset. The seed of the
#   reset reaches the base class and nothing else.
# Seen: `reset(seed=1)` five times: five goals. Two environments made with seed 1: the same goals in the same order,
#   whatever the resets are told. `info["grasp_success"]` is 1.0 from the first step on, in "reach", where nothing is
#   grasped.
# Why it matters: two policies that are compared on the seeds 0 to 9 are tested on other goals. A paired test of their
#   costs then pairs nothing.
# Way round: a new `gym.make(..., seed=k)` for each episode.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq metaworld==3.1.1 mujoco==3.3.0 gymnasium==1.4.0 scipy==1.17.1 imageio==2.38.1 \
    packaging==26.4 numpy==2.4.6
MUJOCO_GL=disable venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import gymnasium as gym
import metaworld
import numpy as np

print({name: version(name) for name in ("metaworld", "mujoco", "gymnasium", "scipy", "imageio", "packaging", "numpy")})
assert metaworld


def make(seed=1):
    return gym.make("Meta-World/MT1", env_name="reach-v3", seed=seed)


def goals(env, seeds):
    """The goal, the last three numbers of an observation, after resets with seeds."""
    return np.array([env.reset(seed=seed)[0][-3:] for seed in seeds])


env = make()
same = goals(env, [1] * 5)
print("reset(seed=1) five times:", same.round(3).tolist(), sep="\n")
assert len(np.unique(same, axis=0)) == 5, "the seed counts now"
assert np.array_equal(goals(make(), range(5)), same), "resets with other seeds differ now"
_, _, _, _, info = env.step(np.zeros(4, np.float32))
print("grasp_success in reach:", info["grasp_success"])
assert info["grasp_success"] == 1
one, again, two = (goals(make(seed), [None]) for seed in (1, 1, 2))
assert np.array_equal(one, again) and not np.array_equal(one, two), "the way round fails"
PY
