#!/usr/bin/env bash
# highway-env's episodes of 30 s have 30 steps at 1 Hz and 151 at 5 Hz.
#
# Versions: highway-env 1.12.1, gymnasium 1.4.0, numpy 2.4.6.
# One would guess: duration times `policy_frequency`: 150 steps.
# What happens: time is a running sum of 1 / frequency, compared with the duration. For some frequencies the
#   sum comes out just below 30.
# Seen: an empty road, 30 s. Steps at 1, 2, 3, 5, 6, 10 and 15 Hz: 30, 60, 91, 151, 180, 300, 451.
# Why it matters: arrays of fixed length, segments and costs per episode are planned for 150. The extra step
#   is outside, or the last one is cut off, and with it the mark of the end.
# Way round: `max_episode_steps=150` in `gymnasium.make`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq highway-env==1.12.1 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import os
import warnings

os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
import gymnasium
import highway_env

print({name: version(name) for name in ("highway-env", "gymnasium", "numpy")})
warnings.simplefilter("ignore")
gymnasium.register_envs(highway_env)


def steps(frequency, **settings):
    config = {"policy_frequency": frequency, "vehicles_count": 0, "duration": 30}
    env = gymnasium.make("highway-fast-v0", config=config, **settings)
    env.reset(seed=0)
    count, truncated = 0, False
    while not truncated:
        *_, terminated, truncated, _ = env.step(1)
        assert not terminated
        count += 1
    return count


counts = {frequency: steps(frequency) for frequency in (1, 2, 3, 5, 6, 10, 15)}
print(counts)
assert counts[1] == 30 and counts[2] == 60, "episodes at 1 and 2 Hz have changed"
assert counts[3] == 91 and counts[5] == 151, "the extra step has gone"
assert steps(5, max_episode_steps=150) == 150, "the way round fails"
PY
