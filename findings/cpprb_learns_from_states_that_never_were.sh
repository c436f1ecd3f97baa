#!/usr/bin/env bash
# cpprb's n-step buffer stores 1.0 as the next observation at the end of an episode, and loses terminations.
#
# Versions: cpprb 11.0.0, numpy 2.4.6.
# One would guess: the last steps of an episode are followed by its last observation, and a window that holds a
#   termination is marked as done.
# What happens: for the last n - 1 steps the next observation is filled with ones. After a time limit (done 0)
#   the value of that made-up state is bootstrapped from. A window whose last step terminates keeps done 0.
# Seen: 3 steps, observations 100 to 104. Time limit: the next observations are 103, 104, 105, 1, 1, all with done
#   0. Termination: the third transition has both the terminal state 105 and done 0.
# Why it matters: Q-learning from logs adds the value of a state of ones to the ends of all truncated episodes. The
#   value of the state after a crash goes to the steps that led to it. Losses stay finite.
# Way round: compute n-step returns from whole episodes, and check `next_obs` of the last steps.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq cpprb==11.0.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

from cpprb import ReplayBuffer

print({name: version(name) for name in ("cpprb", "numpy")})


def episode(terminates, steps):
    """Five steps from observation 100 to 105, by whose end the episode terminated or was cut."""
    columns = {name: {} for name in ("obs", "rew", "next_obs", "done")}
    several = {"size": steps, "rew": "rew", "gamma": 0.5, "next": "next_obs"} if steps > 1 else None
    buffer = ReplayBuffer(20, columns, Nstep=several)
    for step in range(5):
        buffer.add(obs=100 + step, rew=1.0, next_obs=101 + step, done=float(terminates and step == 4))
    buffer.on_episode_end()
    stored = buffer.get_all_transitions()
    return [stored[name].ravel().tolist() for name in ("obs", "rew", "next_obs", "done")]


for terminates in (False, True):
    observations, rewards, following, done = episode(terminates, 3)
    print("terminates", terminates, "returns", rewards, "next", following, "done", done)
    assert observations == [100, 101, 102, 103, 104] and rewards == [1.75, 1.75, 1.75, 1.5, 1]
    assert following == [103, 104, 105, 1, 1], "the next observations have changed"
    assert done == ([0, 0, 0, 1, 1] if terminates else [0] * 5), "the ends have changed"
assert episode(True, 1)[2:] == [[101, 102, 103, 104, 105], [0, 0, 0, 0, 1]], "single steps have changed"
PY
