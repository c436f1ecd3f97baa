#!/usr/bin/env bash
# Gymnasium's `RescaleObservation` makes every picture of bytes black when it is scaled to 0 to 1: 255 becomes 0.
#
# Versions: gymnasium 1.4.0, numpy 2.4.6.
# One would guess: 0 to 255 becomes 0.0 to 1.0, as the limits that are given are floats; or the wrapper asks for
#   another type.
# What happens: the result keeps the type of the old space, and the factor is cut to that type before it is used. 1 /
#   255 as uint8 is 0. For the new limits 0 and 254 the factor is 0 as well. The new space is `Box(0, 1, uint8)`, and
#   zeros are in it, so checkers are content. No error or warning. The vector wrapper does the same. `RescaleAction`
#   divides by such a factor.
# Seen: pixels 0, 64, 128, 254, 255 become 0, 0, 0, 0, 0 for limits of 0.0 and 1.0, for arrays of float32, and for 0
#   and 254. With `DtypeObservation(env, numpy.float32)` first: 0, 0.251, 0.502, 0.996, 1. Levels of 0 to 4 scaled to
#   0 to 10 are 0, 2, 4, 6, 8, as the factor 2.5 is cut to 2. Scaled back, an action of 10 is 5, above the limit of 4.
# Why it matters: a policy for cameras learns from black pictures. It runs, and datasets that are logged behind the
#   wrapper hold nothing. Counts and levels in integers end below their new limit, so a full tank is never seen.
# Way round: `DtypeObservation(env, numpy.float32)` below this wrapper.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from gymnasium.wrappers import DtypeObservation, RescaleAction, RescaleObservation
from gymnasium.wrappers.vector import RescaleObservation as RescaleObservations

print({name: version(name) for name in ("gymnasium", "numpy")})
pixels = np.array([0, 64, 128, 254, 255], np.uint8)
levels = np.arange(5, dtype=np.int64)


class Robot(gymnasium.Env):
    def __init__(self, seen, highest):
        self.seen = seen
        self.observation_space = Box(0, highest, seen.shape, seen.dtype)
        self.action_space = Box(0, highest, seen.shape, seen.dtype)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        return self.seen.copy(), {}

    def step(self, action):
        self.action = action
        return self.seen.copy(), 0.0, False, False, {}


def scaled(seen, highest, low, high):
    env = RescaleObservation(Robot(seen, highest), low, high)
    observation = env.reset(seed=0)[0]
    assert observation in env.observation_space and observation.dtype == seen.dtype
    return observation.tolist()


ends = np.zeros(5, np.float32), np.ones(5, np.float32)
for name, limits in (("floats", (0.0, 1.0)), ("arrays", ends), ("0 to 254", (0, 254))):
    print(f"pixels, {name}:", scaled(pixels, 255, *limits))
    assert scaled(pixels, 255, *limits) == [0] * 5, "pictures are not black now"
print("levels 0 to 4, scaled to 0 to 10:", scaled(levels, 4, 0, 10))
assert scaled(levels, 4, 0, 10) == [0, 2, 4, 6, 8], "the factor of integers is not cut now"
several = RescaleObservations(gymnasium.vector.SyncVectorEnv([lambda: Robot(pixels, 255)] * 2), 0.0, 1.0)
assert not several.reset(seed=0)[0].any(), "the vector wrapper is another now"
acting = RescaleAction(Robot(levels, 4), 0, 10)
acting.reset(seed=0)
acting.step(np.array([0, 2, 5, 9, 10]))
print("actions 0, 2, 5, 9, 10 of 10 are, of 4:", np.asarray(acting.unwrapped.action).tolist())
assert np.array_equal(acting.unwrapped.action, [0, 1, 2.5, 4.5, 5]), "actions of integers are another now"
floats = DtypeObservation(Robot(pixels, 255), np.float32)
right = RescaleObservation(floats, np.float32(0), np.float32(1)).reset(seed=0)[0]
print("with DtypeObservation first:", [round(float(one), 3) for one in right])
assert np.allclose(right, pixels / 255, atol=1e-6), "the way round fails"
PY
