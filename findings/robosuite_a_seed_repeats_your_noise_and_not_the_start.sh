#!/usr/bin/env bash
# robosuite's `reset(seed=5)` starts somewhere else each time, and sets NumPy's own generator back instead.
#
# Versions: robosuite 1.5.2, mujoco 3.3.7, gymnasium 1.4.0, numpy 2.4.6.
# One would guess: the wrapper for Gymnasium starts twice at the same place for one seed, and leaves other code alone.
# What happens: the task draws from a generator of its own, made when the task is. The wrapper still seeds the global
#   one of NumPy, which the task does not ask. Its docstring speaks of resetting the seed.
# Seen: two resets with seed 5 differ by 0.3 in one number of the observation, and by 1.5 in another run.
#   `numpy.random.rand()` after each of them is the same number. Two tasks made with seed=1 start alike.
# Why it matters: policies that are compared on the same seeds drive different tasks. Exploration noise, shuffles and
#   bootstrap samples of the same program repeat at every reset.
# Way round: `robosuite.make(..., seed=1)` for each evaluation, and `reset()` without a seed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq mujoco==3.3.7 gymnasium==1.4.0 h5py==3.16.0 scipy==1.17.1 numba==0.68.1 numpy==2.4.6 \
  opencv-python-headless==5.0.0.93 qpsolvers==4.13.0 pillow==13.0.0 pynput==1.8.2 termcolor==3.3.0 tqdm==4.70.1
venv/bin/pip install -qq --no-deps robosuite==1.5.2
venv/bin/python -I -W ignore - <<'PY'
import logging
from importlib.metadata import version

import numpy as np
import robosuite
from robosuite.wrappers import GymWrapper

logging.disable(logging.WARNING)
print({name: version(name) for name in ("robosuite", "mujoco", "gymnasium", "numpy")})


def lift(**options):
    plain = {"has_renderer": False, "has_offscreen_renderer": False, "use_camera_obs": False}
    return GymWrapper(robosuite.make("Lift", robots="Panda", **plain, **options))


env = lift()
starts, noise = [], []
for _ in range(2):
    starts.append(env.reset(seed=5)[0])
    noise.append(np.random.rand())
print("largest difference of two starts", np.abs(starts[0] - starts[1]).max(), "noise after them", noise)
assert np.abs(starts[0] - starts[1]).max() > 0.01, "the start is seeded now"
assert noise[0] == noise[1], "NumPy's generator is left alone now"
first, second = lift(seed=1), lift(seed=1)
before = np.random.get_state()[1].copy()
assert np.array_equal(first.reset()[0], second.reset()[0]), "the way round fails"
assert np.array_equal(before, np.random.get_state()[1]), "the way round fails"
PY
