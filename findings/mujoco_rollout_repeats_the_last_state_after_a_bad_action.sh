#!/usr/bin/env bash
# MuJoCo's `rollout` fills the rest of a trajectory with copies of one state when one action is NaN or huge.
#
# Versions: mujoco 4.0.0, numpy 2.4.6.
# One would guess: the same states as a loop over `mj_step`. Or NaN, or an error, from the bad action on.
# What happens: `mj_step` takes the bad action for 0, warns, and goes on. `rollout` stops at the first warning and
#   copies what it has into all later rows, states and sensors. Arrays have their full length, and nothing marks the
#   end.
# Seen: a mass that is pushed, 100 steps, NaN at the 40th. The loop moves on to .50 m. The rollout stays at .09 m in 60
#   equal rows, the time too. Other rows of the batch are complete.
# Why it matters: planners and data sets are made of rollouts by the thousand. An unstable robot looks like one that
#   stands still: no contact, no speed over the limit, no cost.
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
  <worldbody><body><joint name="way" type="slide" axis="1 0 0"/><geom size=".1" mass="1"/></body></worldbody>
  <actuator><motor joint="way"/></actuator>
  <sensor><jointpos joint="way"/></sensor>
</mujoco>
""")
TIME, PLACE = 0, 1
pushes = np.ones((3, 100, 1))
pushes[1, 40], pushes[2, 40] = np.nan, 1e12
start = np.zeros((3, mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_FULLPHYSICS)))
states, sensors = rollout.rollout(model, mujoco.MjData(model), start, pushes)
print("last time and place of each row:", states[:, -1, [TIME, PLACE]].round(3).tolist())
for row in (1, 2):
    data = mujoco.MjData(model)
    for push in pushes[row]:
        data.ctrl[:] = push
        mujoco.mj_step(model, data)
    equal = int((states[row] == states[row, -1]).all(axis=1).sum())
    print(f"row {row}: equal states at the end {equal}, the loop ends at {data.time:.2f} s, {data.qpos[0]:.3f} m")
    assert equal > 50 and (sensors[row, -equal:] == sensors[row, -1]).all(), "the rest is no copy now"
    assert np.isclose(data.time, 1) and data.qpos[0] > 3 * states[row, -1, PLACE]
    assert np.isfinite(states).all()
grows = (states[:, 1:, TIME] > states[:, :-1, TIME]).all(axis=1)
print("time grows:", grows.tolist())
assert grows.tolist() == [True, False, False], "the way round fails"
PY
