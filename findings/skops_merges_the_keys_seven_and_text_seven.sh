#!/usr/bin/env bash
# skops gives a dictionary with the keys 7 and "7" back with one of them, and with the value of the other.
#
# Versions: skops 0.16.0, scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6.
# One would guess: keys keep their types, as skops stores them beside the dictionary, or the dictionary is refused
#   (keys that are tuples are).
# What happens: entries are stored by the text of their key, so the later one replaces the earlier. The types of the
#   keys are kept in another list, from which the first is taken.
# Seen: {7: "safe", "7": "unsafe"} is loaded as {7: "unsafe"}. Each of both alone comes back right.
# Why it matters: numbers and texts meet when tables of two tools are joined: annotators 7 and "7", clips, classes.
#   One entry is gone, and the other has a wrong value.
# Way round: a list of pairs, or keys of one type.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq skops==0.16.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import skops.io

print({name: version(name) for name in ("skops", "scikit-learn", "scipy", "numpy")})


def back(value):
    return skops.io.loads(skops.io.dumps(value))


answers = {7: "safe", "7": "unsafe"}
print("written", answers, "read", back(answers))
assert back(answers) == {7: "unsafe"}, "keys of two types are no longer merged"
for key, label in answers.items():
    assert back({key: label}) == {key: label}, "single keys have changed"
try:
    back({(7, 1): "safe"})
    raise SystemExit("keys that are tuples are no longer refused")
except TypeError as error:
    print("a tuple is refused:", error)
pairs = [[key, label] for key, label in answers.items()]
assert back(pairs) == pairs, "the way round fails"
PY
