#!/usr/bin/env bash
# ONNX Runtime's tanh gives numbers above 1 on a CPU.
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6.
# One would guess: tanh is within [-1, 1], as in mathematics, NumPy and PyTorch; so an action that is scaled
#   by it stays within its bounds.
# What happens: the float32 kernel is a rational approximation. For inputs of 8.2 to 9 it gives up to
#   1.0000002, and below -1 on the other side.
# Seen: of 200,001 inputs from 5 to 12, 1,514 give more than 1; the same inputs give at most 1 in NumPy.
# Why it matters: `action_space.contains(action)` is False, a simulator or a robot's driver refuses the action,
#   and `log(1 - a * a)` or `arctanh(a)` of it is NaN.
# Way round: a Clip to [-1, 1] behind the Tanh, in the graph.
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


def run(nodes, x):
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in ("x", "y")]
    bounds = [helper.make_tensor(n, TensorProto.FLOAT, [], [v]) for n, v in (("low", -1.0), ("high", 1.0))]
    used = {name for node in nodes for name in node.input}
    bounds = [bound for bound in bounds if bound.name in used]
    graph = helper.make_graph(nodes, "policy", ends[:1], ends[1:], bounds)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


x = np.linspace(5, 12, 200_001, dtype=np.float32)
found = run([helper.make_node("Tanh", ["x"], ["y"])], x)
above = found > 1
print("above 1:", int(above.sum()), "by up to", float(found.max()) - 1, "for inputs", x[above].min(), "to", x[above].max())
assert above.any(), "tanh no longer exceeds 1"
with np.errstate(invalid="ignore"):
    assert np.isnan(np.arctanh(found[above])).all()
assert (run([helper.make_node("Tanh", ["x"], ["y"])], -x) < -1).any()
assert np.tanh(x).max() <= 1
nodes = [helper.make_node("Tanh", ["x"], ["t"]), helper.make_node("Clip", ["t", "low", "high"], ["y"])]
assert run(nodes, x).max() == 1, "the way round fails"
PY
