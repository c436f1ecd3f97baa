#!/usr/bin/env bash
# PyTorch's ONNX export writes source lines and file paths of the exporting machine into the model.
#
# Versions: torch 2.13.0, onnx 1.23.2, onnxscript 0.7.2, onnxruntime 1.32.0, numpy 2.4.6.
# One would guess: the file holds the graph and the weights; where Python's code lay is for debugging only.
# What happens: each node has `metadata_props` with `pkg.torch.onnx.stack_trace`: path, line number, function
#   and text of the source line, for every call down to the operator. `verbose=False` changes nothing, and
#   ONNX Runtime shows none of it.
# Seen: a module in the folder secret_project, with a comment on one line. The path and that line, comment
#   included, are in policy.onnx.
# Why it matters: a model that is given away tells user names, project names and comments. The same network
#   exported from two checkouts gives two files of different hash.
# Way round: clear `metadata_props` of every node of `program.model.graph` before `program.save(...)`, or of
#   the loaded file.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6
mkdir secret_project
cat > secret_project/policy.py <<'PY'
import torch


class Policy(torch.nn.Module):
    def forward(self, observations):
        return torch.tanh(observations * 3.5)  # as agreed with the customer
PY
cat > export.py <<'PY'
from importlib.metadata import version

import contextlib
import io
import sys
import warnings

import onnx
import torch

sys.path.insert(0, "secret_project")
from policy import Policy

print({name: version(name) for name in ("torch", "onnx", "onnxscript", "onnxruntime", "numpy")})
warnings.simplefilter("ignore")
with contextlib.redirect_stdout(io.StringIO()):
    program = torch.onnx.export(
        Policy().eval(), (torch.zeros(2, 3),), "policy.onnx", external_data=False, verbose=False
    )
content = open("policy.onnx", "rb").read()
for node in onnx.load("policy.onnx").graph.node:
    for pair in node.metadata_props:
        if "stack_trace" in pair.key:
            print(node.op_type, pair.value.splitlines()[-2:])
assert b"secret_project/policy.py" in content, "paths are no longer written"
assert b"as agreed with the customer" in content, "source lines are no longer written"
for node in program.model.graph:
    node.metadata_props.clear()
program.save("clean.onnx", external_data=False)
content = open("clean.onnx", "rb").read()
assert b"secret_project" not in content and b"customer" not in content, "the way round fails"
PY
venv/bin/python export.py
