#!/usr/bin/env bash
# onnx2torch turns the running sum of costs into a sum from the end: the costs so far become those still to come.
#
# Versions: onnx2torch 1.5.15, torch 2.13.0, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
# One would guess: a CumSum that says nothing of its direction runs forwards, as ONNX defines it (`reverse` is 0).
# What happens: onnx2torch takes 1 for the default of `reverse`. PyTorch's own export writes no such attribute, so each
#   `torch.cumsum` comes back turned round. Only a node that says `reverse = 0` is read right. Nothing is said of it.
# Seen: costs 0, 0, 1, 0, 2 in one clip. ONNX Runtime gives 0, 0, 1, 1, 3 and the network of onnx2torch 3, 3, 3, 2, 2. A
#   rule that brakes when the costs so far are above 2.5 brakes at the last step in one, and at the first three in the
#   other.
# Why it matters: a policy with a budget that was exported, and is taken back to be trained on, sees costs that are
#   still to come, and has spent least when the budget is gone.
# Way round: write `reverse = 0` into every CumSum before `convert`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6
venv/bin/pip install -qq --no-deps onnx2torch==1.5.15
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import sys
from types import ModuleType

import onnx
import onnxruntime
import torch

# onnx2torch needs torchvision for boxes of pictures only: an empty one saves a large download.
sys.modules["torchvision"], sys.modules["torchvision.ops"] = ModuleType("torchvision"), ModuleType("torchvision.ops")
sys.modules["torchvision.ops"].roi_align = None
from onnx2torch import convert

print({name: version(name) for name in ("onnx2torch", "torch", "onnx", "onnxruntime", "numpy")})


class Spent(torch.nn.Module):
    """The costs of a clip so far."""

    def forward(self, costs):
        return torch.cumsum(costs, dim=1)


costs = torch.tensor([[0.0, 0.0, 1.0, 0.0, 2.0]])
torch.onnx.export(Spent(), (costs,), "spent.onnx", dynamo=False, opset_version=17, input_names=["costs"])
model = onnx.load("spent.onnx")
onnx.checker.check_model(model)
(node,) = [node for node in model.graph.node if node.op_type == "CumSum"]
print("attributes of the exported CumSum", [attribute.name for attribute in node.attribute])
assert not node.attribute, "PyTorch writes the direction now"

session = onnxruntime.InferenceSession("spent.onnx", providers=["CPUExecutionProvider"])
(runtime,) = session.run(None, {"costs": costs.numpy()})
seen = {"PyTorch": Spent()(costs), "ONNX Runtime": torch.tensor(runtime), "onnx2torch": convert(model)(costs)}
node.attribute.append(onnx.helper.make_attribute("reverse", 0))
seen["onnx2torch with reverse = 0"] = convert(model)(costs)
for name, sums in seen.items():
    print(name, sums.tolist(), "brakes", (sums > 2.5).tolist())
forwards, backwards = [[0, 0, 1, 1, 3]], [[3, 3, 3, 2, 2]]
assert seen["PyTorch"].tolist() == seen["ONNX Runtime"].tolist() == forwards
assert seen["onnx2torch"].tolist() == backwards, "onnx2torch sums forwards now"
assert seen["onnx2torch with reverse = 0"].tolist() == forwards, "the way round fails"
PY
