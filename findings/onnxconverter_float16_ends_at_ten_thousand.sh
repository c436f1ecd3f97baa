#!/usr/bin/env bash
# onnxconverter-common's conversion to float16 cuts every constant at 10,000, where float16 goes up to 65,504.
#
# Versions: onnxconverter-common 1.16.0, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
# One would guess: a constant of 40,000 becomes the nearest float16, which is 40,000. Only what float16 cannot hold is
#   changed.
# What happens: by default numbers beyond 10,000 become 10,000, and those nearer to 0 than 1e-7 become 1e-7 with their
#   sign. It warns of each constant, without saying that float16 could hold it.
# Seen: a policy that subtracts a mean of 40,000 from its input and divides by 100. For 40,064 the answer is 0.64,
#   and 301 after the conversion. With `max_finite_val=65504` it is 0.64 again.
# Why it matters: pressures, positions in millimetres and encoder ticks are numbers of this size, and their means are
#   constants of a policy. All outputs are far outside of what it has learnt from.
# Way round: `convert_float_to_float16(model, max_finite_val=65504, min_positive_val=6e-8)`. Compare the outputs after.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq onnxconverter-common==1.16.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
import warnings
from importlib.metadata import version

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxconverter_common.float16 import convert_float_to_float16

print({name: version(name) for name in ("onnxconverter-common", "onnx", "onnxruntime", "numpy")})


def policy():
    """(x - 40,000) / 100"""
    constants = {"mean": np.float32([40_000]), "scale": np.float32([0.01])}
    graph = helper.make_graph(
        [helper.make_node("Sub", ["x", "mean"], ["d"]), helper.make_node("Mul", ["d", "scale"], ["y"])],
        "policy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def act(model):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return float(session.run(None, {"x": np.float32([40_064])})[0][0])


def converted(**options):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        half = convert_float_to_float16(policy(), keep_io_types=True, **options)
    mean = {one.name: numpy_helper.to_array(one) for one in half.graph.initializer}["mean"]
    return act(half), mean.tolist(), [str(one.message) for one in said if "truncated" in str(one.message)]


assert np.float16(40_000) == 40_000 and np.finfo(np.float16).max == 65_504
print("float32", act(policy()), "float16", converted(), "with float16's own limit", converted(max_finite_val=65_504))
assert abs(act(policy()) - 0.64) < 1e-3
answer, mean, said = converted()
assert answer > 300 and mean == [10_000] and len(said) == 1, "float16 is used up to its end now"
answer, mean, said = converted(max_finite_val=65_504, min_positive_val=6e-8)
assert abs(answer - 0.64) < 1e-3 and mean == [40_000] and not said, "the way round fails"
PY
