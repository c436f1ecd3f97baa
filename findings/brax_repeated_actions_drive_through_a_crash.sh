#!/usr/bin/env bash
# Brax's `action_repeat` drives on through a crash, and neither `done` nor the sum of costs shows it.
#
# Versions: brax 0.14.2, jax 0.10.2, numpy 2.4.6.
# One would guess: repetition stops at the end of an episode, and the metrics of all steps are added, as rewards are.
# What happens: all steps are taken. `done` and the metrics are those of the last one; only rewards are added up.
# Seen: a car drives one metre a step, and a wall stands at 2 m, where `done` and the metric `collision` are 1. One step
#   an action: the episode ends at 2 m with one collision. Four steps an action: the car is at 4 m, `done` is 0, the
#   episode's sum of collisions is 0, and its reward is that of four metres.
# Why it matters: safe RL counts costs from these metrics. A policy with repeated actions is credited with the drive
#   behind the crash, and has no accident.
# Way round: keep a flag and a sum of costs in the state of the environment itself, over the repeated steps.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq brax==0.14.2 jax==0.10.2 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import jax
import jax.numpy as jnp
from brax.envs.base import Env, State
from brax.envs.wrappers.training import EpisodeWrapper

print({name: version(name) for name in ("brax", "jax", "numpy")})


class Road(Env):
    observation_size = action_size = 1
    backend = "none"

    def reset(self, rng):
        zero = jnp.zeros(())
        return State(None, jnp.zeros(1), zero, zero, {"collision": zero}, {})

    def step(self, state, action):
        place = state.obs + action
        crash = (place[0] == 2).astype(jnp.float32)
        return state.replace(obs=place, reward=action[0], done=crash, metrics={"collision": crash})


def driven(action_repeat):
    env = EpisodeWrapper(Road(), episode_length=100, action_repeat=action_repeat)
    state = env.reset(jax.random.PRNGKey(0))
    while not state.done.any() and float(state.obs[0]) < 4:
        state = env.step(state, jnp.ones(1))
    sums = state.info["episode_metrics"]
    return [float(one.ravel()[0]) for one in (state.obs, state.done, sums["collision"], sums["sum_reward"])]


for action_repeat in (1, 4):
    print(action_repeat, "steps an action: place, done, collisions, reward", driven(action_repeat))
assert driven(1) == [2, 1, 1, 2]
assert driven(4) == [4, 0, 0, 4], "repetition stops at the crash or adds the costs now"
PY
