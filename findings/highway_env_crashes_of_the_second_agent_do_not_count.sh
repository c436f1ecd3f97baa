#!/usr/bin/env bash
# highway-env with two controlled cars reports no crash, and goes on, when the second car has crashed.
#
# Versions: highway-env 1.12.1, gymnasium 1.4.0, numpy 2.4.6.
# One would guess: a crash of any controlled car ends the episode, or is in `info` for each of them. The intersection
#   tasks end so.
# What happens: `highway-v0` takes reward, `info["crashed"]`, speed and the end of the episode from the first car. The
#   second one is in the observations and the actions, and nowhere else.
# Seen: the first car keeps its lane, the second one speeds up, ten seeds. In all ten the second one crashes first. Not
#   once is it in `info`, in `terminated` or in the reward, which is .82 to .87 at that step. Up to 34 steps follow.
# Why it matters: a policy for several cars learns that crashes of all cars but one are free, and an evaluation by
#   `info["crashed"]` confirms it.
# Way round: a subclass that asks `any(car.crashed for car in self.controlled_vehicles)` for cost and termination.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq highway-env==1.12.1 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

from highway_env.envs.highway_env import HighwayEnv

print({name: version(name) for name in ("highway-env", "gymnasium", "numpy")})
CONFIG = {
    "controlled_vehicles": 2,
    "action": {"type": "MultiAgentAction", "action_config": {"type": "DiscreteMetaAction"}},
    "observation": {"type": "MultiAgentObservation", "observation_config": {"type": "Kinematics"}},
}
KEEP, FASTER = 1, 3


class Counting(HighwayEnv):
    def _is_terminated(self):
        return any(car.crashed for car in self.controlled_vehicles)


def drive(task, seed):
    """What is reported at the first crash of the second car, and how many steps follow."""
    env, steps, crash = task(CONFIG), 0, None
    env.reset(seed=seed)
    while True:
        _, reward, over, cut, info = env.step((KEEP, FASTER))
        steps += 1
        first, second = (car.crashed for car in env.controlled_vehicles)
        if second and crash is None:
            crash = steps, first, info["crashed"], over, reward
        if over or cut:
            return *crash[1:], steps - crash[0]


seen = [drive(HighwayEnv, seed) for seed in range(10)]
firsts, crashed, ends, rewards, after = zip(*seen, strict=True)
print("first car crashed", firsts, "info", crashed, "terminated", ends, sep="\n")
print("rewards", [round(float(reward), 2) for reward in rewards], "steps that follow", after)
assert not any(firsts)
assert not any(crashed) and not any(ends) and min(rewards) > 0.8, "the crash of the second car is reported now"
assert min(after) >= 1 and max(after) > 20
assert all(drive(Counting, seed)[2] for seed in range(10)), "the way round fails"
PY
