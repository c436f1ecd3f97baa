#!/usr/bin/env bash
# Flashbax's Vault writes all old steps once more after the same vault was opened again.
#
# Versions: flashbax 0.1.3, jax 0.10.2, flax 0.12.8, numpy 2.4.6.
# One would guess: `write` adds "any new data" of the buffer, as its docstring says, also after the vault was opened
#   again. The README promises that nothing already saved is written a second time.
# What happens: the place in the buffer up to which steps were written is kept in the object only. A vault that is
#   opened again continues its file at the right place, and the buffer from its beginning.
# Seen: five steps are written, the vault is opened again, three more steps come. It writes eight, and holds 13: the
#   first five, and then all eight. One object all the time: eight.
# Why it matters: a run that is resumed with its replay memory stores an unknown part of its steps twice, behind each
#   other. Sums of costs and counts of crashes grow, and an episode that was under way starts anew in its middle.
# Way round: say `source_interval=(last, now)` at the first write after opening.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq flashbax==0.1.3 jax==0.10.2 flax==0.12.8 numpy==2.4.6
JAX_PLATFORMS=cpu venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import flashbax
import jax.numpy as jnp
from flashbax.vault import Vault

print({name: version(name) for name in ("flashbax", "jax", "flax", "numpy")})
buffer = flashbax.make_flat_buffer(max_length=100, min_length=1, sample_batch_size=4, add_sequences=True)
empty = buffer.init({"cost": jnp.float32(0)})
first = buffer.add(empty, {"cost": jnp.arange(1, 6, dtype=jnp.float32)})
later = buffer.add(first, {"cost": jnp.arange(6, 9, dtype=jnp.float32)})


def stored(name, opened_again, **interval):
    vault = Vault(name, first.experience, vault_uid="log")
    vault.write(first)
    if opened_again:
        vault = Vault(name, first.experience, vault_uid="log")
    written = vault.write(later, **interval)
    return written, Vault(name, vault_uid="log").read().experience["cost"][0].tolist()


once, twice, round_about = stored("one", False), stored("two", True), stored("three", True, source_interval=(5, 8))
print("one object", once, "opened again", twice, "with an interval", round_about, sep="\n")
assert once == (3, [1, 2, 3, 4, 5, 6, 7, 8]), "one object no longer writes what is new"
assert twice == (8, [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6, 7, 8]), "a vault that is opened again goes on now"
assert round_about == once, "the way round fails"
PY
