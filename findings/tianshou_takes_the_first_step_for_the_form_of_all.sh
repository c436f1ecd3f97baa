#!/usr/bin/env bash
# Tianshou's buffer stores a cost of 0.75 as 0 when the first was the integer 0, and a missing cost as 0.
#
# Versions: tianshou 2.0.1, torch 2.13.0, numpy 2.4.6.
# One would guess: values are kept as given, or an error; a key that a step does not have reads as missing.
# What happens: the first transition creates the arrays. Later observations, actions and entries of `info` are
#   cast to these types without an error. Entries that come later, or not in every step, are 0 elsewhere.
#   Rewards alone are always floats.
# Seen: after a first step with integers, the observation 0.5, action 1.7 and cost 0.75 are stored as 0, 1 and
#   0. Steps with cost 3, none, and 3 are stored as 3, 0 and 3.
# Why it matters: an environment that starts at rest, or reports costs only where it has them, looks safer than
#   it is. A dataset made from the buffer has no sign of it.
# Way round: cast to floats in a wrapper, and report every key in every step.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq tianshou==2.0.1 torch==2.13.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

from tianshou.data import Batch, ReplayBuffer

print({name: version(name) for name in ("tianshou", "torch", "numpy")})


def stored(*steps):
    buffer = ReplayBuffer(size=10)
    for observation, action, reward, info in steps:
        ends = {"terminated": False, "truncated": False}
        buffer.add(Batch(obs=observation, act=action, rew=reward, obs_next=observation, info=info, **ends))
    return buffer[: len(steps)]


whole = stored((0, 1, 0, {"cost": 0}), (0.5, 1.7, 0.75, {"cost": 0.75}))
print("observations", whole.obs, "actions", whole.act, "rewards", whole.rew, "costs", whole.info.cost)
assert whole.obs.tolist() == [0, 0] and whole.act.tolist() == [1, 1], "fractions are no longer cut"
assert whole.info.cost.tolist() == [0, 0] and whole.rew.tolist() == [0, 0.75], "costs are no longer cut"
gap = stored((0.0, 1.0, 0.0, {"cost": 3.0}), (0.0, 1.0, 0.0, {}), (0.0, 1.0, 0.0, {"cost": 3.0}))
late = stored((0.0, 1.0, 0.0, {}), (0.0, 1.0, 0.0, {"cost": 3.0}))
print("a step without a cost", gap.info.cost, "a cost that comes late", late.info.cost)
assert gap.info.cost.tolist() == [3, 0, 3] and late.info.cost.tolist() == [0, 3], "missing costs are no longer 0"
floats = stored((0.0, 1.0, 0.0, {"cost": 0.0}), (0.5, 1.7, 0.75, {"cost": 0.75}))
assert floats.obs.tolist() == [0, 0.5] and floats.info.cost.tolist() == [0, 0.75], "the way round fails"
PY
