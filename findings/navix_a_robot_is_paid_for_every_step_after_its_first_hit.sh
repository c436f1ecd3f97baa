#!/usr/bin/env bash
# Navix's `wall_hit_cost` pays a robot 0.01 for a hit against the wall, and again at every step until the end.
#
# Versions: navix 0.7.4, jax 0.10.2, flax 0.12.8, numpy 2.4.6.
# One would guess: a step that hits a wall costs 0.01, so its reward is -0.01, and all others cost nothing. The
#   docstring says "negative value" and "for each wall hit".
# What happens: the reward is +0.01, while `action_cost` and `time_cost` beside it do give -0.01. And the event is
#   never cleared: after the first hit, turns and free steps are paid too. No error or warning.
# Seen: a robot in the empty room takes three steps, of which the third hits the wall, then turns around and goes one
#   step back. Rewards 0, 0, 0.01, 0.01, 0.01, 0.01 and a return of +0.04, where one hit should give -0.01.
# Why it matters: who adds this cost to a task for safety teaches the robot to hit the wall early and to stay: the
#   longer the episode after the hit, the higher the return. A count of hits is the count of steps since the first.
# Way round: compare the places before and after a step forward, and give -0.01 where they are the same.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq navix==0.7.4 jax==0.10.2 flax==0.12.8 numpy==2.4.6
JAX_PLATFORMS=cpu venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import jax
import jax.numpy as jnp
import navix
import numpy as np
from navix import actions, rewards

print({name: version(name) for name in ("navix", "jax", "flax", "numpy")})
turn, forward = (actions.MINIGRID_ACTION_SET.index(one) for one in (actions.rotate_cw, actions.forward))


def stayed(before, action, after):
    """-0.01 for each step forward that does not move the robot."""
    same = (before.get_player().position == after.get_player().position).all()
    return -0.01 * jnp.asarray(same & (action == forward), jnp.float32)


def drive(cost):
    env = navix.make("Navix-Empty-5x5-v0", reward_fn=cost)
    step, now = jax.jit(env.step), env.reset(jax.random.PRNGKey(0))
    places, paid = [now.state.get_player().position.tolist()], []
    for action in (forward, forward, forward, turn, turn, forward):
        now = step(now, action)
        assert int(now.step_type) == 0, "the episode has ended"
        places.append(now.state.get_player().position.tolist())
        paid.append(round(float(now.reward), 6))
    return places, paid, round(float(now.info["return"]), 6)


places, paid, total = drive(rewards.wall_hit_cost)
print("places", places, "rewards", paid, "return", total)
assert places == [[1, 1], [1, 2], [1, 3], [1, 3], [1, 3], [1, 3], [1, 2]], "the drive has changed"
assert paid == [0, 0, 0.01, 0.01, 0.01, 0.01] and np.isclose(total, 0.04), "the cost of a wall has changed"
for name in ("action_cost", "time_cost"):
    assert drive(getattr(rewards, name))[1][0] == -0.01, f"{name} has changed"
right = drive(stayed)
print("by the places: rewards", right[1], "return", right[2])
assert right[1] == [0, 0, -0.01, 0, 0, 0] and right[2] == -0.01, "the way round fails"
PY
