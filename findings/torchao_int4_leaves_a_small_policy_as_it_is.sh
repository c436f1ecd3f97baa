#!/usr/bin/env bash
# torchao's int4 quantisation returns without a word, and no layer of a small policy is quantised.
#
# Versions: torch 2.13.0, torchao 0.18.0, numpy 2.4.6.
# One would guess: `quantize_` quantises all linear layers, or says which ones it cannot.
# What happens: a layer whose number of inputs is no multiple of the group size, 128 by default, is left as it is. The
#   message about it is on the level "info", which is off. With int8, layers inside of LSTM, GRU and attention stay too.
# Seen: a policy 8-64-64-2 after `quantize_(policy, Int4WeightOnlyConfig())`: same types, same bytes, same actions, no
#   warning. With `Int8WeightOnlyConfig` its three layers are quantised, and none of an LSTM.
# Why it matters: a test that a quantised policy is as safe as before then compares the policy with itself. The first
#   layer of most policies has as many inputs as there are sensors, so it stays float in every case.
# Way round: count the layers whose weight is still a `torch.nn.Parameter` of floats; set `group_size` to a divisor.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 torchao==0.18.0 numpy==2.4.6
venv/bin/python -I - 2> messages <<'PY'
import sys
from copy import deepcopy
from importlib.metadata import version

import torch
from torchao.quantization import Int4WeightOnlyConfig, Int8WeightOnlyConfig, quantize_

print({name: version(name) for name in ("torch", "torchao", "numpy")})
print("before", file=sys.stderr)
torch.manual_seed(0)
layers = torch.nn.Linear(8, 64), torch.nn.ReLU(), torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2)
places = torch.randn(16, 8)


def kinds(network, config):
    """The types of the weights after quantisation, and whether they are what they were."""
    quantised = deepcopy(network).eval()
    quantize_(quantised, config)
    before = [weight for weight in network.parameters() if weight.dim() > 1]
    weights = [weight for weight in quantised.parameters() if weight.dim() > 1]
    types = sorted({type(weight).__name__ for weight in weights})
    return quantised, types, types == ["Parameter"] and all(map(torch.equal, weights, before))


policy = torch.nn.Sequential(*layers)
int4, types, same = kinds(policy, Int4WeightOnlyConfig())
with torch.no_grad():
    equal = torch.equal(int4(places), policy(places))
print("int4:", types, "same weights:", same, "same actions:", equal)
int8, lstm = kinds(policy, Int8WeightOnlyConfig()), kinds(torch.nn.LSTM(8, 64), Int8WeightOnlyConfig())
print("int8:", int8[1:], "int8 of an LSTM:", lstm[1:])
print("after", file=sys.stderr)
assert same and equal, "int4 changes the layers now"
assert int8[1] == ["Int8Tensor"], "the types are others"
assert lstm[1:] == (["Parameter"], True), "int8 changes an LSTM now"
PY
between=$(sed -n '/^before$/,/^after$/p' messages)
test "$between" = $'before\nafter' || { echo "quantize_ says something now: $between"; exit 1; }
