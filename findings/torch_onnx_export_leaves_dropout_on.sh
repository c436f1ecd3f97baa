#!/usr/bin/env bash
# PyTorch's ONNX export writes a network with its dropout at work, and ONNX Runtime then acts at random.
#
# Versions: torch 2.13.0, onnx 1.23.2, onnxscript 0.7.2, onnxruntime 1.32.0, numpy 2.4.6.
# One would guess: exported for inference: `torch.onnx.export` used to switch to evaluation for its time.
# What happens: the default exporter takes the module as it is, and a new module is in training mode. The
#   old one (`dynamo=False`) still switches. Nothing is said about it.
# Seen: Linear and Dropout(0.5), exported without `.eval()`. One observation sent 20 times gives several
#   answers, each output 0 or twice its value. With `dynamo=False` all are equal.
# Why it matters: a policy saved during training leaves half of its signals out on the robot. Mean
#   actions look right.
# Way round: `model.eval()` before the export, and compare outputs of two calls.
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
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Dropout(0.5))
observation = torch.ones(1, 3)


def answers(**settings):
    with contextlib.redirect_stdout(io.StringIO()):
        torch.onnx.export(model, (observation,), "policy.onnx", **settings)
    session = onnxruntime.InferenceSession("policy.onnx", providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return {tuple(session.run(None, {name: observation.numpy()})[0].ravel().tolist()) for _ in range(20)}


new, old = answers(), answers(dynamo=False)
expected = model.eval()(observation).detach().numpy().ravel()
print("different answers: by default", len(new), "with dynamo=False", len(old))
assert len(new) > 1, "dropout is no longer at work"
for answer in new:
    ratio = np.array(answer) / expected
    assert np.all(np.isclose(ratio, 0) | np.isclose(ratio, 2, rtol=1e-4)), "outputs are no longer 0 or doubled"
assert len(old) == 1 and np.allclose(next(iter(old)), expected, atol=1e-6), "the old exporter no longer switches"
(answer,) = answers()
assert np.allclose(answer, expected, atol=1e-6), "the way round fails"
PY
