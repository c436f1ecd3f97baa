#!/usr/bin/env bash
# highway-env's parking task forgets the crash when the reward of a step is computed again for its goal.
#
# Versions: highway-env 1.12.1, gymnasium 1.4.0, numpy 2.4.6.
# One would guess: `compute_reward(achieved, desired, info)` gives the reward of the step, as the interface for goals
#   promises. `info["crashed"]` is at hand.
# What happens: `step` adds `collision_reward` (-5) to the result of `compute_reward`, which does not look at `info`.
# Seen: full throttle into a wall or a parked car, 20 episodes. All end with `crashed`. The rewards of their last steps
#   are 5 lower than those of `compute_reward` for the same goals and the same `info`. No other step differs.
# Why it matters: hindsight replay computes most rewards of a batch this way. There a crash costs nothing, and ends an
#   episode whose every step costs something: crashing early pays.
# Way round: a subclass whose `compute_reward` adds `collision_reward * info["crashed"]` (`step` passes it no `info`),
#   and a buffer that passes `info` on (`copy_info_dict=True` in Stable-Baselines3).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq highway-env==1.12.1 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from highway_env.envs.parking_env import ParkingEnv

print({name: version(name) for name in ("highway-env", "gymnasium", "numpy")})


class Counting(ParkingEnv):
    def compute_reward(self, achieved, desired, info, p=0.5):
        crashed = np.array([one.get("crashed", False) for one in np.atleast_1d(info)])
        return super().compute_reward(achieved, desired, info, p) + self.config["collision_reward"] * crashed


def differences(task):
    """Differences of reward and `compute_reward` at steps before the last, and at the last ones."""
    env, before, last = task({"vehicles_count": 10}), [], []
    for seed in range(20):
        env.reset(seed=seed)
        steering, over = np.random.default_rng(seed).uniform(-0.3, 0.3), False
        while not over:
            observation, reward, over, cut, info = env.step(np.array([1.0, steering]))
            assert not cut
            again = env.compute_reward(observation["achieved_goal"], observation["desired_goal"], info)
            (last if over else before).append(float(np.round(reward - again, 6).item()))
        assert info["crashed"]
    return set(before), set(last)


print("before the crash, at the crash:", differences(ParkingEnv))
assert differences(ParkingEnv) == ({0}, {-5}), "the crash counts now"
assert differences(Counting) == ({0}, {0}), "the way round fails"
PY
