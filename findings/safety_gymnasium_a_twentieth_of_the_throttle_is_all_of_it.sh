#!/usr/bin/env bash
# The robots of Safety-Gymnasium drive as fast at a throttle of .05 (Point) or .02 (Car) as at 1.
#
# Versions: safety-gymnasium 1.0.0, mujoco 3.3.7, numpy 2.2.6.
# One would guess: actions lie in [-1, 1], and half the throttle is half the force.
# What happens: the motors of `point.xml` and `car.xml` have `ctrlrange` -1 to 1 and `forcerange` of a twentieth and
#   a fiftieth of that. MuJoCo clamps the force and says nothing. Above .05 and .02 all throttles are one.
# Seen: after 1,000 steps of simulation Point has come 2.24 m at .05, .5 and 1, and 1.12 m at .025. Car has come 2.96 m
#   at .02, .5 and 1, and 1.33 m at .01.
# Why it matters: a policy with Gaussian actions of usual deviation is a switch. The mean of two demonstrations, one fast
#   and one slow, is fast; speeds that were logged above .05 differ in no state. A driver whose "strength" was
#   drawn from .05 to 1 had one strength.
# Way round: draw throttles of scripted agents within the range that acts, or scale the action space.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq --no-deps safety-gymnasium==1.0.0 mujoco==3.3.7 numpy==2.2.6 absl-py==2.3.1 etils==1.13.0 \
  fsspec==2025.9.0 importlib_resources==6.5.2 typing_extensions==4.15.0 zipp==3.23.0 glfw==2.10.0 PyOpenGL==3.1.10
venv/bin/python -I - <<'PY'
from importlib.metadata import distribution, version

import mujoco
import numpy as np

print({name: version(name) for name in ("safety-gymnasium", "mujoco", "numpy")})
package = distribution("safety-gymnasium").locate_file("safety_gymnasium")


def way(robot, throttle):
    model = mujoco.MjModel.from_xml_path(str(package / "assets" / "xmls" / f"{robot}.xml"))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    data.ctrl[:] = throttle if robot == "car" else [throttle, 0.0]
    start = data.body("agent").xpos[:2].copy()
    for _ in range(1000):
        mujoco.mj_step(model, data)
    bounds = model.actuator_ctrlrange[0].tolist(), model.actuator_forcerange[0].tolist()
    return float(np.linalg.norm(data.body("agent").xpos[:2] - start)), bounds


for robot, enough in (("point", 0.05), ("car", 0.02)):
    ways = {throttle: way(robot, throttle)[0] for throttle in (enough / 2, enough, 0.5, 1.0)}
    print(robot, "control and force of its motor:", way(robot, 1.0)[1], "metres by throttle:", ways)
    assert ways[enough] == ways[0.5] == ways[1.0], "throttles above the force's range now differ"
    assert ways[enough / 2] < 0.8 * ways[enough], "half of it is as fast"
PY
