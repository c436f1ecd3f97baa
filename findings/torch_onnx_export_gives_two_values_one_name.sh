#!/usr/bin/env bash
# torch.onnx.export gives an input called `relu` and the result of ReLU one name: a policy acts with 11 and not 21.
#
# Versions: torch 2.13.0, onnx 1.23.2, onnxscript 0.7.2, onnxruntime 1.32.0, numpy 2.4.6.
# One would guess: names of inputs are free, and what is computed gets other ones; or the export refuses such a name.
# What happens: values are named by their operators (`relu`, `mul`, `where`, `cat`, `linear`), and `input_names` are
#   written over the names of inputs afterwards. The same name then stands for two values. No error or warning.
# Seen: relu(x - 1) + 10 x for x = 2 is 21. With the input called `x` all readers say so. Called `relu`, onnx's
#   reference evaluator gives 11, as 10 times the result of ReLU is taken. ONNX Runtime refuses the file: "Duplicate
#   definition of name". onnx's checker refuses it as well. The old exporter (`dynamo=False`) gives 21 by any name.
# Why it matters: keys of observations become names of inputs, and `where`, `cat`, `add` or `linear` are words that
#   robots have sensors for. The file is written, and fails on the robot. A reader that does not check acts on it.
# Way round: `onnx.checker.check_model` after each export; rename the values of the nodes that bear an input's name.
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
import logging
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from onnx.reference import ReferenceEvaluator

print({name: version(name) for name in ("torch", "onnx", "onnxscript", "onnxruntime", "numpy")})
logging.disable(logging.WARNING)  # of torchvision, which is not installed


class Policy(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x - 1.0) + 10.0 * x


def exported(name, **settings):
    """The action for an observation of 2 by the reference evaluator, by ONNX Runtime, and what the checker says."""
    with warnings.catch_warnings(record=True) as told, contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("always")
        torch.onnx.export(
            Policy(), (torch.zeros(1, 1),), "policy.onnx", input_names=[name], external_data=False, **settings
        )
    about = [str(w.message) for w in told if "name" in str(w.message)]
    given = {name: np.full((1, 1), 2.0, np.float32)}
    (acted,) = ReferenceEvaluator(onnx.load("policy.onnx")).run(None, given)
    found = [acted.item()]
    try:
        session = onnxruntime.InferenceSession("policy.onnx", providers=["CPUExecutionProvider"])
        found.append(session.run(None, given)[0].item())
    except Exception as error:
        found.append("Duplicate definition of name" if "Duplicate definition" in str(error) else str(error))
    try:
        onnx.checker.check_model("policy.onnx")
        found.append("sound")
    except onnx.checker.ValidationError:
        found.append("refused")
    print(f"input {name!r}, {settings}: reference {found[0]}, ONNX Runtime {found[1]}, checker {found[2]}")
    return (*found, about)


assert 2.0 - 1.0 + 10.0 * 2.0 == 21.0
assert exported("x") == (21.0, 21.0, "sound", [])
assert exported("relu") == (11.0, "Duplicate definition of name", "refused", [])
assert exported("relu", dynamo=False)[:3] == (21.0, 21.0, "sound")
PY
