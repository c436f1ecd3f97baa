#!/usr/bin/env bash
# Hydra reads `no`, `010`, `1:30` and `nan` otherwise at the command line than in the YAML file.
#
# Versions: hydra-core 1.3.8, omegaconf 2.3.1.
# One would guess: `key=VALUE` means what `key: VALUE` means in the file.
# What happens: the file is YAML 1.1, where `no` is false, `010` is octal and `1:30` is 90. The command line has
#   a grammar of its own: these are texts there, and `nan` and `inf` are numbers, which are texts in the file.
# Seen: `no` is False in the file and "no" at the command line, which counts as true in Python. `1:30` is 90 and
#   "1:30", `010` is 8 and "010", `nan` is "nan" and the number NaN.
# Why it matters: a run repeated from the settings that were noted at the command line is another run. With
#   `complete_labels=no` the labels are completed.
# Way round: typed settings (a dataclass in the ConfigStore), or true, false, .nan in the file and no other words.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq hydra-core==1.3.8 omegaconf==2.3.1
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

from pathlib import Path

from hydra import compose, initialize_config_dir

print({name: version(name) for name in ("hydra-core", "omegaconf")})
expected = {"no": (False, "no"), "010": (8, "010"), "1:30": (90, "1:30"), "inf": ("inf", float("inf"))}
seen = {}
with initialize_config_dir(str(Path.cwd()), version_base=None):
    for value in (*expected, "nan", "1e-3", "null"):
        Path("settings.yaml").write_text(f"value: {value}\n")
        Path("empty.yaml").write_text("value: 0\n")
        seen[value] = compose("settings").value, compose("empty", [f"value={value}"]).value
        print(f"{value!r}: file {seen[value][0]!r}, command line {seen[value][1]!r}")
for value, pair in expected.items():
    assert seen[value] == pair, f"{value} has changed"
assert seen["nan"][0] == "nan" and seen["nan"][1] != seen["nan"][1], "nan has changed"
assert seen["1e-3"] == (0.001, 0.001) and seen["null"] == (None, None)
assert bool(seen["no"][1]) is not seen["no"][0]
PY
