#!/usr/bin/env bash
# PyTorchModelHubMixin stores the default in place of an argument that is a NumPy number or array.
#
# Versions: huggingface_hub 2.4.0, torch 2.13.0, safetensors 0.8.0, numpy 2.4.6.
# One would guess: config.json holds the values that the model was made with, or saving fails.
# What happens: an argument that JSON cannot hold is dropped. Then the default of the constructor is
#   written for it, since it is missing. No error, no warning.
# Seen: a policy made with high=np.float32(2.0) and low=np.array([-2, -2]), loaded again, has high 1.0 and
#   low -1.0. With high=2.0 it keeps 2.0.
# Why it matters: bounds come from `action_space.high`, a NumPy array. The policy loads with all weights
#   right and scales its actions to the default bounds.
# Way round: `.item()` or `.tolist()` before the constructor, or the mixin's `coders` for the type.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 huggingface_hub==2.4.0 safetensors==0.8.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import json
from pathlib import Path

import numpy as np
import torch
from huggingface_hub import PyTorchModelHubMixin

print({name: version(name) for name in ("torch", "huggingface_hub", "safetensors", "numpy")})
class Policy(torch.nn.Module, PyTorchModelHubMixin):
    def __init__(self, low=-1.0, high=1.0):
        super().__init__()
        self.low, self.high = low, high
        self.layer = torch.nn.Linear(2, 2)


Policy(low=np.array([-2.0, -2.0]), high=np.float32(2.0)).save_pretrained("numpy")
config = json.loads(Path("numpy/config.json").read_text())
loaded = Policy.from_pretrained("numpy")
print("config", config, "loaded", loaded.low, loaded.high)
assert config == {"low": -1.0, "high": 1.0}, "the config no longer holds the defaults"
assert (loaded.low, loaded.high) == (-1.0, 1.0), "the loaded policy no longer has the defaults"

Policy(low=[-2.0, -2.0], high=np.float32(2.0).item()).save_pretrained("plain")
loaded = Policy.from_pretrained("plain")
assert (loaded.low, loaded.high) == ([-2.0, -2.0], 2.0), "the way round fails"
PY
