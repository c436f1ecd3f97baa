#!/usr/bin/env bash
# In ONNX Runtime's dynamic quantisation the action of one robot depends on the sensors of the others in its batch.
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6.
# One would guess: a small error of rounding, the same for a row alone and within a batch; NaN in, NaN out.
# What happens: `quantize_dynamic` takes one scale for the whole batch of observations, from its smallest and largest
#   number. One large reading leaves the others a step or two of 256. NaN becomes an integer, and so a number.
# Seen: 200 robots. The quantised actions differ by at most 0.10 from the exact ones. With one reading of one robot a
#   thousand times too large, those of the 199 others differ by up to 1.9 of a range of 2. A robot
#   with a NaN gets an action within bounds, alone as well.
# Why it matters: a fleet or a set of parallel environments acts wrongly for one broken sensor, and in the evaluation of
#   one robot at a time everything is right.
# Way round: batches of one, scales from `quantize_static`, and a test of observations before the call.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
import logging
from importlib.metadata import version

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import quantize_dynamic

logging.disable()
print({name: version(name) for name in ("onnxruntime", "onnx", "numpy")})
rng = np.random.default_rng(0)
layers = [
    helper.make_node("MatMul", ["observation", "w"], ["hidden"], name="first"),
    helper.make_node("Relu", ["hidden"], ["features"], name="relu"),
    helper.make_node("MatMul", ["features", "v"], ["mean"], name="second"),
    helper.make_node("Tanh", ["mean"], ["action"], name="tanh"),
]
made = helper.make_graph(
    layers,
    "policy",
    [helper.make_tensor_value_info("observation", TensorProto.FLOAT, ["n", 4])],
    [helper.make_tensor_value_info("action", TensorProto.FLOAT, ["n", 2])],
    [
        numpy_helper.from_array(rng.normal(size=size).astype(np.float32), name)
        for name, size in (("w", (4, 16)), ("v", (16, 2)))
    ],
)
onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), "policy.onnx")
quantize_dynamic("policy.onnx", "quantised.onnx")


def acted(name, observations):
    session = onnxruntime.InferenceSession(f"{name}.onnx", providers=["CPUExecutionProvider"])
    return session.run(["action"], {"observation": observations})[0]


well = rng.normal(size=(200, 4)).astype(np.float32)
exact, others = acted("policy", well), np.arange(200) != 7
spike, missing = well.copy(), well.copy()
spike[7, 0] *= 1000
missing[7, 0] = np.nan
usual = float(np.abs(acted("quantised", well) - exact).max())
beside = float(np.abs(acted("quantised", spike) - exact)[others].max())
alone = np.concatenate([acted("quantised", row[None]) for row in spike])
apart = float(np.abs(alone - exact)[others].max())
print("largest differences: usual", usual, "beside a spike", beside, "the same rows one by one", apart)
print("NaN: exact", acted("policy", missing)[7], "quantised", acted("quantised", missing[7:8])[0])
assert usual < 0.2 and apart < 0.2, "the quantised policy is another one"
assert beside > 1.5, "each row has a scale of its own now"
assert np.isnan(acted("policy", missing)[7]).all() and np.isfinite(acted("quantised", missing[7:8])).all()
PY
