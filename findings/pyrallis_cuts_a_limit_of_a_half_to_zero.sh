#!/usr/bin/env bash
# pyrallis reads a cost limit of 0.5 as 0 when the field is an int, and also when it is `int | float`.
#
# Versions: pyrallis 0.3.1.
# One would guess: .5 for an int is an error, and for `Union[int, float]` it is .5.
# What happens: the value is converted by `int(...)`, which cuts. Of a union the first type that raises no error
#   wins, and int never does. What `dump` wrote is cut as well when `load` reads it back.
# Seen: `--limit 0.5` is 0 for int and for Union[int, float], and 0.5 for float. A limit of 2.7 in a field of
#   Union[int, float] is 2 after `dump` and `load`. `--limit true` is 1.
# Why it matters: the scripts of OSRL read their settings so, and declare `cost_limit: int`. The run is with another
#   limit than the one that was typed, and the log shows a plausible number.
# Way round: declare `float`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pyrallis==0.3.1
venv/bin/python -I -W ignore - <<'PY'
from dataclasses import dataclass
from importlib.metadata import version
from typing import Union

import pyrallis

print({name: version(name) for name in ("pyrallis",)})


@dataclass
class Whole:
    limit: int = 10


@dataclass
class Either:
    limit: Union[int, float] = 10


@dataclass
class Fraction:
    limit: float = 10


def read(settings, value):
    return pyrallis.parse(config_class=settings, args=["--limit", value]).limit


seen = {settings.__name__: read(settings, "0.5") for settings in (Whole, Either, Fraction)}
again = pyrallis.load(Either, pyrallis.dump(Either(limit=2.7))).limit
print("--limit 0.5:", seen, "2.7 after dump and load:", again, "--limit true:", read(Whole, "true"))
assert seen["Whole"] == seen["Either"] == 0, "fractions are no longer cut"
assert again == 2 and read(Whole, "true") == 1, "fractions are no longer cut"
assert seen["Fraction"] == 0.5, "the way round fails"
PY
