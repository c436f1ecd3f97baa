#!/usr/bin/env bash
# onnxslim turns the random numbers of a policy into constants: it draws one noise when it is made smaller, for ever.
#
# Versions: onnxslim 0.1.98, onnxscript 0.7.2, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
# One would guess: nodes that draw random numbers are left alone, as ONNX Runtime's own optimiser does.
# What happens: every node whose inputs are constants is computed once and replaced by the result. RandomNormal has no
#   input, and RandomNormalLike has a constant one when the spread does not depend on the observation. onnxscript's
#   optimiser leaves these two, and does the same to Bernoulli.
# Seen: a policy with action = mean + noise. Two runs of the file differ. After `onnxslim.slim` all runs are equal, and the
#   graph is one addition. After onnxscript's `optimize` a Bernoulli mask is one constant too.
# Why it matters: on the robot, exploration becomes a fixed error of the throttle. Dropout that tells doubt (draws of
#   masks) finds no doubt at all.
# Way round: noise as an input of the graph. onnxslim with `skip_optimizations=["constant_folding"]`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq onnxslim==0.1.98 onnxscript==0.7.2 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import onnxruntime
import onnxslim
import onnxscript.optimizer
from onnx import TensorProto, helper, numpy_helper

print({name: version(name) for name in ("onnxslim", "onnxscript", "onnx", "onnxruntime", "numpy")})


def policy(kind):
    spread = numpy_helper.from_array(np.full((1, 8), 0.5, np.float32), "spread")
    drawn = {
        "RandomNormal": helper.make_node("RandomNormal", [], ["noise"], shape=[1, 8]),
        "RandomNormalLike": helper.make_node("RandomNormalLike", ["spread"], ["noise"]),
        "Bernoulli": helper.make_node("Bernoulli", ["spread"], ["noise"]),
    }[kind]
    nodes = [drawn, helper.make_node("Add", ["mean", "noise"], ["action"])]
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 8])] for name in ("mean", "action")]
    graph = helper.make_graph(nodes, "policy", *ends, [spread])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def draws(model):
    """Whether two runs differ, and the nodes of the graph."""
    session = onnxruntime.InferenceSession(model.SerializeToString())
    actions = [session.run(None, {"mean": np.zeros((1, 8), np.float32)})[0] for _ in range(2)]
    return not np.array_equal(*actions), [node.op_type for node in model.graph.node]


for kind in ("RandomNormal", "RandomNormalLike", "Bernoulli"):
    as_made = draws(policy(kind))
    slim = draws(onnxslim.slim(policy(kind)))
    script = draws(onnxscript.optimizer.optimize(policy(kind)))
    print(kind, "as made", as_made, "onnxslim", slim, "onnxscript", script)
    assert as_made[0], "two runs are equal"
    assert slim == (False, ["Add"]), "onnxslim keeps the noise now"
    assert script[0] == (kind != "Bernoulli"), "onnxscript does otherwise now"
    kept = draws(onnxslim.slim(policy(kind), skip_optimizations=["constant_folding"]))
    assert kept[0], "the way round fails"
PY
