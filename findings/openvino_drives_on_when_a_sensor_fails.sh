#!/usr/bin/env bash
# OpenVINO turns a failed sensor (NaN) into a finite action: behind a ReLU, NaN is 0.
#
# Versions: openvino 2026.4.1, onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6. x86-64.
# One would guess: NaN in, NaN out, as in PyTorch, NumPy and ONNX Runtime: a controller can test the action.
# What happens: on the CPU, `Relu` gives 0 for NaN, `Clip` and `Max` the lower bound, `HardSigmoid` 1, `Exp` infinity.
#   `Tanh` and `Sigmoid` keep NaN. So it is decided by the activation whether a fault is seen behind the network.
# Seen: a network of two layers, ReLU and tanh, with one of four sensors NaN. ONNX Runtime: the action is NaN. OpenVINO:
#   the action is that of a network whose hidden layer is all 0, for any reading of the other three sensors.
# Why it matters: the robot drives on with a constant action that looks like any other, blind to all its sensors.
#   A test of the action for NaN, which worked in the simulator, no longer finds a broken sensor.
# Way round: test the observations before the call.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq openvino==2026.4.1 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

print({name: version(name) for name in ("openvino", "onnxruntime", "onnx", "numpy")})
rng = np.random.default_rng(0)
weights = {"w": rng.normal(size=(4, 8)), "v": rng.normal(size=(8, 1)), "b": np.array([[0.5]])}
weights |= {"low": np.array(-1.0), "high": np.array(1.0)}


def both(*nodes, observation):
    made = helper.make_graph(
        list(nodes),
        "policy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(observation.shape))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, "policy.onnx")
    onnxruntime.set_default_logger_severity(3)
    runtime = onnxruntime.InferenceSession("policy.onnx").run(None, {"x": observation})[0]
    compiled = openvino.Core().compile_model("policy.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return runtime.ravel().tolist(), compiled(observation)[0].ravel().tolist()


layers = [
    helper.make_node("MatMul", ["x", "w"], ["hidden"]),
    helper.make_node("Relu", ["hidden"], ["features"]),
    helper.make_node("MatMul", ["features", "v"], ["sum"]),
    helper.make_node("Add", ["sum", "b"], ["mean"]),
    helper.make_node("Tanh", ["mean"], ["y"]),
]
well = np.array([[0.3, -1.0, 2.0, 0.7]], np.float32)
failed, other = well.copy(), -3 * well
failed[0, 2] = other[0, 2] = np.nan
for name, observation in (("all sensors", well), ("one failed", failed), ("one failed, others differ", other)):
    print(name, *both(*layers, observation=observation))
for name in ("Relu", "Exp", "Tanh", "Sigmoid"):
    print(name, *both(helper.make_node(name, ["x"], ["y"]), observation=failed))
print("Clip", *both(helper.make_node("Clip", ["x", "low", "high"], ["y"]), observation=failed))

runtime, compiled = both(*layers, observation=failed)
assert np.allclose(*both(*layers, observation=well), atol=1e-5)
assert np.isnan(runtime).all(), "ONNX Runtime no longer passes NaN on"
assert np.allclose(compiled, np.tanh(0.5)), "OpenVINO's action is no longer that of a hidden layer of zeros"
assert both(*layers, observation=other)[1] == compiled
PY
