#!/usr/bin/env bash
# ONNX Runtime's maximum is NaN when NaN stands first, and skips NaN anywhere else.
#
# Versions: onnxruntime 1.32.0 on a CPU, onnx 1.23.2, numpy 2.4.6.
# One would guess: NaN, wherever it stands, as in PyTorch and NumPy; and its index from ArgMax.
# What happens: the running maximum is replaced by whatever compares larger. NaN never does, and
#   nothing compares larger than a NaN in the first place.
# Seen: ReduceMax of NaN, 1, 2 is NaN, of 1, NaN, 2 is 2. ArgMax gives 0 and 2; NumPy gives 0 and 1.
# Why it matters: a policy over discrete actions takes the largest value. A network that broke down is
#   noticed in PyTorch and drives on in the exported graph, or stops, by the position of the NaN.
# Way round: `IsNaN` in the graph, or a check of the observation before it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

print({name: version(name) for name in ("onnxruntime", "onnx", "numpy")})
def run(operator, values, kind):
    node = helper.make_node(operator, ["x"], ["y"], keepdims=0)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)]
    outputs = [helper.make_tensor_value_info("y", kind, None)]
    graph = helper.make_graph([node], "graph", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.ravel(session.run(None, {"x": np.array(values, np.float32)})[0])[0]


first, later = [np.nan, 1.0, 2.0], [1.0, np.nan, 2.0]
largest = [run("ReduceMax", values, TensorProto.FLOAT) for values in (first, later)]
where = [run("ArgMax", values, TensorProto.INT64) for values in (first, later)]
print("ReduceMax", largest, "ArgMax", where, "NumPy", [np.argmax(first), np.argmax(later)])
assert np.isnan(largest[0]) and largest[1] == 2.0, "ReduceMax has changed"
assert where == [0, 2], "ArgMax has changed"
assert [np.argmax(first), np.argmax(later)] == [0, 1]
PY
