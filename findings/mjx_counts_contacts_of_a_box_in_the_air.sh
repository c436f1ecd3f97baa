#!/usr/bin/env bash
# MJX reports four contacts for a box that hangs three metres above the floor, and MuJoCo none.
#
# Versions: mujoco 3.17.0, mujoco-mjx 3.17.0, jax 0.10.2, numpy 2.4.6.
# One would guess: `ncon` and `contact` of the same model mean the same in both, as `mjx` copies MuJoCo's names.
# What happens: arrays in JAX have a fixed size. MJX fills in all pairs of points that might ever touch, and `ncon` is
#   their number, the same at every step. `contact.dist` is their distance, positive where nothing touches.
# Seen: a box of 20 cm at 3 m: `ncon` 0 in MuJoCo, 4 in MJX, distances 2.9 and 3.1. `ncon` is 4 in both when it lies on
#   the floor.
# Why it matters: costs are often `ncon > 0`, or a loop over `contact` that looks at the pair of geoms. Moved to MJX
#   such a cost is 1 at every step for a policy that touches nothing.
# Way round: count `contact.dist < 0`; `mjx.get_data` leaves out what does not touch.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq mujoco==3.17.0 mujoco-mjx==3.17.0 jax==0.10.2 numpy==2.4.6
JAX_PLATFORMS=cpu venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import jax
import mujoco
import numpy as np
from mujoco import mjx

print({name: version(name) for name in ("mujoco", "mujoco-mjx", "jax", "numpy")})
model = mujoco.MjModel.from_xml_string("""
<mujoco>
  <worldbody>
    <geom type="plane" size="5 5 .1"/>
    <body><freejoint/><geom type="box" size=".1 .1 .1"/></body>
  </worldbody>
</mujoco>
""")
on_jax = mjx.put_model(model)
forward = jax.jit(mjx.forward)
seen = {}
for place, height in (("air", 3.0), ("floor", 0.099)):
    data = mujoco.MjData(model)
    data.qpos[2] = height
    mujoco.mj_forward(model, data)
    there = forward(on_jax, mjx.put_data(model, data))
    distances = np.asarray(there.contact.dist)
    back = mjx.get_data(model, there)
    seen[place] = data.ncon, int(there.ncon), int((distances < 0).sum()), back.ncon
    print(place, "distances", distances.round(3).tolist(), "MuJoCo, MJX, MJX below 0, copied back:", seen[place])
assert seen["air"] == (0, 4, 0, 0), "contacts in the air are counted otherwise now"
assert seen["floor"] == (4, 4, 4, 4)
PY
