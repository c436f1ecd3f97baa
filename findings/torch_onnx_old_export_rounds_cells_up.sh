#!/usr/bin/env bash
# PyTorch's old ONNX export turns -5 // 2 = -3 into -2, and -5 >> 1 as well.
#
# Versions: torch 2.13.0, onnx 1.23.2, onnxscript 0.7.2, onnxruntime 1.32.0, numpy 2.4.6.
# One would guess: floor division of integers stays floor division, or the export refuses.
# What happens: with `dynamo=False` both become ONNX's integer `Div`, which cuts towards zero. Only negative
#   numbers differ. `%` is right, so x == 2 * (x // 2) + x % 2 no longer holds. The default is right.
# Seen: x = -5, 5, -1, 6. PyTorch -3, 2, -1, 3; the exported graph -2, 2, 0, 3.
# Why it matters: cells of a map, tiles and discretised angles left of zero. A test with positive numbers
#   passes, and cell -1 becomes cell 0: the car sees what is on the other side.
# Way round: the default exporter, or `torch.floor(x / 2)` in floating point.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import contextlib
import io
import warnings

import numpy as np
import onnxruntime
import torch

print({name: version(name) for name in ("torch", "onnx", "onnxscript", "onnxruntime", "numpy")})
warnings.simplefilter("ignore")


class Cell(torch.nn.Module):
    def forward(self, x):
        return x // 2, x >> 1, x % 2


x = torch.tensor([-5, 5, -1, 6])


def exported(**settings):
    with contextlib.redirect_stdout(io.StringIO()):
        torch.onnx.export(Cell(), (torch.zeros(4, dtype=torch.int64),), "cell.onnx", **settings)
    session = onnxruntime.InferenceSession("cell.onnx", providers=["CPUExecutionProvider"])
    return [output.tolist() for output in session.run(None, {session.get_inputs()[0].name: x.numpy()})]


right = [output.tolist() for output in Cell()(x)]
old, new = exported(dynamo=False), exported()
print("torch", right, "dynamo=False", old)
assert right[0] == right[1] == [-3, 2, -1, 3]
assert old[0] == old[1] == [-2, 2, 0, 3], "the old export no longer cuts towards zero"
assert old[2] == right[2], "the remainder is no longer right"
assert new == right, "the way round fails"
PY
