#!/usr/bin/env bash
# MushroomRL's A2C makes a calm drive that ran out of time pay for the crash of the drive after it: -81 in place of 10.
#
# Versions: mushroom-rl 1.10.1, torch 2.13.0, scipy 1.17.1, numpy 2.4.6.
# One would guess: a return ends with its episode, and has the value of the last state added if time was up.
# What happens: `compute_advantage_montecarlo` is told where episodes are absorbing, and not where they are last. It
#   adds rewards backwards until an absorbing state, across all ends by time. A2C uses it. Not documented.
# Seen: ten steps of reward 1 that end by time, and then ten that end in a crash of -100. The return of the very first
#   step is -81. `compute_gae`, which is told both, gives 10. Crashes of an earlier drive do no harm.
# Why it matters: whether a drive was good depends on which one the simulator drew next. With limits on time, as most
#   tasks have, the policy learns from noise, and more of it the rarer crashes are.
# Way round: `compute_gae` with lam=1, or one call for each episode.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq mushroom-rl==1.10.1 torch==2.13.0 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
import inspect
from importlib.metadata import version

import numpy as np
from mushroom_rl.algorithms.actor_critic.deep_actor_critic import a2c
from mushroom_rl.utils.value_functions import compute_advantage_montecarlo, compute_gae

print({name: version(name) for name in ("mushroom-rl", "torch", "scipy", "numpy")})
assert "compute_advantage_montecarlo(" in inspect.getsource(a2c), "A2C uses another function now"
states = np.tile(np.arange(10.0), 2)[:, None]
rewards, absorbing, last = np.ones(20), np.zeros(20), np.zeros(20)
rewards[19], absorbing[19] = -100, 1
last[[9, 19]] = 1


def nothing_known(states):
    return np.zeros((len(states), 1))


def returns(steps):
    now, after = states[steps], states[steps] + 1
    return compute_advantage_montecarlo(nothing_known, now, after, rewards[steps], absorbing[steps], 1.0)[0]


together = returns(slice(0, 20)).ravel()
print("calm drive", together[:10], "drive with a crash", together[10:])
assert together[0] == -81 and together[10] == -91, "an end by time ends the return now"
gae = compute_gae(nothing_known, states, states + 1, rewards[:, None], absorbing, last, 1.0, 1.0)[0].ravel()
print("compute_gae", gae[:10], "one call an episode", returns(slice(0, 10)).ravel())
assert gae[0] == 10 and gae[10] == -91, "the way round fails"
assert returns(slice(0, 10))[0] == 10, "the way round fails"
PY
