#!/usr/bin/env bash
# OmniSafe's Lagrange multiplier grows as much for a cost of 25.001 as for 1000, and goes on when the limit is kept.
#
# Versions: omnisafe 0.5.0, torch 2.13.0, pyyaml 6.0.3, numpy 2.4.6.
# One would guess: what the documentation of the update says: lambda + rate * (cost - limit).
# What happens: the settings of the algorithms name Adam, which divides the gradient by its size. Each update is a step
#   of the rate, whatever the cost, and the memory of Adam carries it on.
# Seen: PPOLag's settings, limit 25. Five epochs with a cost of 25.001 and five with 1,000 both end at 0.176. After 20
#   epochs with 100, in 30 epochs with 24 it goes on from 0.70 to 1.02. By the formula it falls at once.
# Why it matters: a robot that costs forty times the limit is slowed down as gently as one at the limit. One that is safe
#   is slowed down more and more. A rate from a paper with plain steps means something else here.
# Way round: lambda_optimizer: "SGD" in `lagrange_cfgs`, with another rate.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torch==2.13.0 pyyaml==6.0.3 numpy==2.4.6
venv/bin/pip install -qq --no-deps omnisafe==0.5.0  # the multiplier needs no more than these
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import distribution, version
from runpy import run_path

import yaml

print({name: version(name) for name in ("omnisafe", "torch", "pyyaml", "numpy")})
package = distribution("omnisafe")
Lagrange = run_path(str(package.locate_file("omnisafe/common/lagrange.py")))["Lagrange"]
with open(package.locate_file("omnisafe/configs/on-policy/PPOLag.yaml")) as file:
    settings = yaml.safe_load(file)["defaults"]["lagrange_cfgs"]
print(settings)


def multipliers(costs, **changes):
    multiplier = Lagrange(**settings | changes)
    seen = []
    for cost in costs:
        multiplier.update_lagrange_multiplier(cost)
        seen.append(round(multiplier.lagrangian_multiplier.item(), 4))
    return seen


little, much = multipliers([25.001] * 5), multipliers([1000.0] * 5)
print("25.001:", little, "1000:", much)
assert settings["cost_limit"] == 25 and little[-1] > 0.17, "the settings have changed"
assert little == much, "the size of the cost counts now"
adam = multipliers([100.0] * 20 + [24.0] * 30)
print("100, then 24:", adam[19], adam[29], adam[49])
assert adam[19:] == sorted(adam[19:]) and adam[49] > 1.4 * adam[19], "it falls below the limit now"
plain = multipliers([100.0] * 20 + [24.0] * 30, lambda_optimizer="SGD")
print("with plain steps:", plain[19], plain[29], plain[49])
assert plain[19:] == sorted(plain[19:], reverse=True) and plain[49] < plain[19], "the way round fails"
PY
