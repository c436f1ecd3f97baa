#!/usr/bin/env bash
# MuJoCo's rangefinder sees no floor at 5.1 m from the middle of a plane of size 5, and the robot lands there.
#
# Versions: mujoco-core 4.0.0, numpy 2.4.6.
# One would guess: a plane has no end, so a rangefinder that points down gives the height. The size of a plane is said
#   to be for rendering, and sensors are said to be independent of the visualizer.
# What happens: rays end at the rectangle that is drawn, and contacts do not. Beyond it `rangefinder` and `mj_ray`
#   give -1, which stands for "no surface". A plane of size 0 0 has no end for rays either.
# Seen: one metre above a floor of size 5 5, the rangefinder gives 1.0 at 4.9 m and -1.0 at 5.1 m from its middle.
#   Both robots are dropped, come to rest 0.1 m above the floor, and read 0.1 and -1.0. With size 0 0 both are right.
# Why it matters: nearly every scene has a floor of some size, and walls are planes too. A cost or a rule that goes by
#   the distance sees a cliff, or no wall at all, where the robot will be stopped. -1 is also less than each limit.
# Way round: `size="0 0 .1"` for floors and walls, or boxes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq mujoco-core==4.0.0 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import mujoco
import numpy as np

print({"mujoco": mujoco.__version__, "numpy": version("numpy")})
SCENE = """<mujoco><worldbody><geom type="plane" size="{size}"/>
<body pos="{x} 0 1"><freejoint/><geom size=".1" mass="1"/><site name="below" zaxis="0 0 -1"/></body></worldbody>
<sensor><rangefinder site="below"/></sensor></mujoco>"""


def drop(size, x):
    """What the sensor and a ray say one metre up; after three seconds, the height, the contacts and the sensor."""
    model = mujoco.MjModel.from_xml_string(SCENE.format(size=size, x=x))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    above = float(data.sensordata[0])
    ray = mujoco.mj_ray(model, data, np.array([x, 0, 1.0]), np.array([0, 0, -1.0]), None, 1, 1, np.zeros(1, np.int32))
    for _ in range(1500):
        mujoco.mj_step(model, data)
    return [round(float(number), 2) for number in (above, ray, data.qpos[2], data.ncon, data.sensordata[0])]


seen = {(size, x): drop(size, x) for size in ("5 5 .1", "0 0 .1") for x in (4.9, 5.1)}
for (size, x), numbers in seen.items():
    names = ("range", "ray", "height at rest", "contacts", "range at rest")
    print("size", size, "at", x, "m:", dict(zip(names, numbers)))
right = [1.0, 1.0, 0.1, 1.0, 0.1]
assert seen["5 5 .1", 4.9] == right
assert seen["5 5 .1", 5.1] == [-1.0, -1.0, 0.1, 1.0, -1.0], "the rangefinder sees the floor that carries the robot now"
assert seen["0 0 .1", 4.9] == seen["0 0 .1", 5.1] == right, "the way round fails"
PY
