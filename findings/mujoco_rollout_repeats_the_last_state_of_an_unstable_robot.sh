#!/usr/bin/env bash
# MuJoCo's `rollout` fills the rest of a trajectory with copies of one state when the robot becomes unstable.
#
# Versions: mujoco 4.0.0, numpy 2.4.6.
# One would guess: the same states as a loop over `mj_step`. Or NaN, or an error, from the trouble on.
# What happens: `mj_step` warns, puts the robot back to its start and goes on. `rollout` stops at the first warning. It
#   copies what it has into all later rows, states and sensors. Arrays have their full length, and nothing marks the
#   end.
# Seen: a driven mass and a servo that is too stiff for the time step, 100 steps. The servo diverges at the 17th. The
#   loop starts again and drives .34 m. The rollout has 83 equal rows, at 0 m and a time of .01 s. Other rows of the
#   batch are complete.
# Why it matters: planners and data sets are made of rollouts by the thousand. An unstable robot looks like one that
#   stands still: no speed over the limit, no new contact, no cost after the first.
# Way round: test that the time of each row grows, as `state[:, 1:, 0] > state[:, :-1, 0]`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq mujoco==4.0.0 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import mujoco
import numpy as np
from mujoco import rollout

print({name: version(name) for name in ("mujoco", "numpy")})
model = mujoco.MjModel.from_xml_string("""
<mujoco>
  <option timestep=".01"/>
  <worldbody>
    <body><joint name="drive" type="slide" axis="1 0 0"/><geom size=".1" mass="1"/></body>
    <body pos="0 1 0"><joint name="servo" type="slide" axis="1 0 0"/><geom size=".1" mass="1"/></body>
  </worldbody>
  <actuator><motor joint="drive"/><position joint="servo" kp="50000"/></actuator>
  <sensor><jointpos joint="drive"/></sensor>
</mujoco>
""")
TIME, DRIVE, SERVO = 0, 1, 2
actions = np.tile([1.0, 0.0], (2, 100, 1))
start = np.zeros((2, mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_FULLPHYSICS)))
start[1, SERVO] = 0.01
states, sensors = rollout.rollout(model, mujoco.MjData(model), start, actions)
equal = (states == states[:, -1:]).all(axis=2).sum(axis=1).tolist()
print("rollout, last time and place:", states[:, -1, [TIME, DRIVE]].round(4).tolist(), "equal states:", equal)
data = mujoco.MjData(model)
data.qpos[1] = start[1, SERVO]
for action in actions[1]:
    data.ctrl[:] = action
    mujoco.mj_step(model, data)
print(f"loop, last time and place of the second: {data.time:.2f} {data.qpos[0]:.4f}")
assert equal == [1, 83] and (sensors[1, -83:] == sensors[1, -1]).all(), "the rest is no copy now"
assert np.allclose(states[1, -1, [TIME, DRIVE]], [0.01, 0]), "the copied state is another"
assert np.isclose(data.time, 0.83) and data.qpos[0] > 0.3, "the loop goes on otherwise now"
assert np.isfinite(states).all()
grows = (states[:, 1:, TIME] > states[:, :-1, TIME]).all(axis=1)
assert grows.tolist() == [True, False], "the way round fails"
PY
