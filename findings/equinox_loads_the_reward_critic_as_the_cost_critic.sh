#!/usr/bin/env bash
# Equinox loads the weights of the reward's critic into the cost's when the fields of the class change their order.
#
# Versions: equinox 0.13.8, jax 0.10.2, numpy 2.4.6.
# One would guess: fields are found by their names, or a class of another structure is refused: the documentation asks
#   for the same structure.
# What happens: leaves are read one after the other, by position. Only shapes and types are compared. Names are not in
#   the file, and what is left at its end is not looked at.
# Seen: an agent with the fields `reward` and `cost` is saved, and the class now has `cost` first. Both critics have the
#   weights of the other. A class with the field `cost` only gets those of `reward`. No error, no warning.
# Why it matters: critics of reward and cost have the same shapes. An agent that is loaded after fields were sorted
#   seeks costs. Losses and pictures of the loaded agent do not show it at once.
# Way round: save a dictionary with one entry for each field and its names beside it, and compare `jax.tree.structure`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq equinox==0.13.8 jax==0.10.2 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import equinox
import jax

print({name: version(name) for name in ("equinox", "jax", "numpy")})


def critic(seed):
    return equinox.nn.MLP(3, 1, 8, 2, key=jax.random.PRNGKey(seed))


class Saved(equinox.Module):
    reward: equinox.nn.MLP
    cost: equinox.nn.MLP


class Sorted(equinox.Module):
    cost: equinox.nn.MLP
    reward: equinox.nn.MLP


class Only(equinox.Module):
    cost: equinox.nn.MLP


saved = Saved(reward=critic(0), cost=critic(1))
equinox.tree_serialise_leaves("agent.eqx", saved)
place = jax.numpy.ones(3)
print("saved: reward", saved.reward(place), "cost", saved.cost(place))
for kind in (Saved, Sorted, Only):
    fields = kind.__dataclass_fields__
    loaded = equinox.tree_deserialise_leaves("agent.eqx", kind(**{name: critic(2) for name in fields}))
    print(kind.__name__, {name: getattr(loaded, name)(place) for name in fields})
    expected = saved.cost if kind is Saved else saved.reward
    assert equinox.tree_equal(loaded.cost, expected), "weights are not loaded by position now"
assert jax.tree.structure(saved) != jax.tree.structure(Sorted(critic(2), critic(2)))
PY
