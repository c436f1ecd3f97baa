#!/usr/bin/env bash
# PyTorch's ONNX export writes a fixed batch size although a dynamic one was declared with `Dim`.
#
# Versions: torch 2.13.0, onnx 1.23.2, onnxscript 0.7.2, onnxruntime 1.32.0, numpy 2.4.6.
# One would guess: as in `torch.export.export`, which refuses: "You marked batch as dynamic but your code
#   specialized it to be a constant (2)".
# What happens: `torch.onnx.export` with the same `Dim` succeeds without a warning. The input of the file has
#   the shape [2, 3] of the example. With the text "batch" in place of `Dim` the shape is ['batch', 3].
# Seen: a linear layer plus `torch.zeros(len(observations), 2)`. The file takes two observations; one or seven
#   raise InvalidArgument.
# Why it matters: a test with the example's batch passes. The robot sends one observation at a time.
# Way round: `torch.export.export(model, args, dynamic_shapes=...)` first, which raises; then
#   `torch.onnx.export` of what it returned. Write `x.shape[0]` for `len(x)`, and run sizes 1 and 7.
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
from torch.export import Dim

print({name: version(name) for name in ("torch", "onnx", "onnxscript", "onnxruntime", "numpy")})


class Policy(torch.nn.Module):
    def __init__(self, size):
        super().__init__()
        self.linear, self.size = torch.nn.Linear(3, 2), size

    def forward(self, observations):
        return self.linear(observations) + torch.zeros(self.size(observations), 2)


example = (torch.zeros(2, 3),)


def exported(program, **settings):
    """The file's input shape, the batch sizes that it takes, and warnings about sizes."""
    with warnings.catch_warnings(record=True) as told, contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("always")
        torch.onnx.export(program, example, "policy.onnx", external_data=False, **settings)
    session = onnxruntime.InferenceSession("policy.onnx", providers=["CPUExecutionProvider"])
    name, taken = session.get_inputs()[0].name, []
    for n in (1, 2, 7):
        with contextlib.suppress(Exception):
            session.run(None, {name: np.zeros((n, 3), np.float32)})
            taken.append(n)
    about = [str(w.message) for w in told if "batch" in str(w.message) or "dynamic" in str(w.message)]
    return session.get_inputs()[0].shape, taken, about


policy = Policy(len).eval()
shape, taken, about = exported(policy, dynamic_shapes=({0: Dim("batch")},))
print("Dim:", shape, "takes batches of", taken, "warnings", about)
assert shape == [2, 3] and taken == [2] and not about, "a declared batch is no longer frozen in silence"
shape, taken, _ = exported(policy, dynamic_shapes=({0: "batch"},))
print("text:", shape, "takes batches of", taken)
try:
    torch.export.export(policy, example, dynamic_shapes=({0: Dim("batch")},))
except Exception as error:
    print("torch.export:", type(error).__name__, str(error).splitlines()[1].strip()[:90])
    assert "specialized it to be a constant (2)" in str(error)
else:
    raise AssertionError("torch.export no longer refuses")
graph = torch.export.export(
    Policy(lambda x: x.shape[0]).eval(), example, dynamic_shapes=({0: Dim("batch")},)
)
assert exported(graph)[1] == [1, 2, 7], "the way round fails"
PY
