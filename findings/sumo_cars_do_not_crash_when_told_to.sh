#!/usr/bin/env bash
# SUMO's cars do not drive at the speed that `setSpeed` sets: an agent cannot crash, and so learns no risk.
#
# Versions: eclipse-sumo 1.28.0, libsumo 1.28.0.
# One would guess: `vehicle.setSpeed(id, 20)` makes the car drive at 20 m/s, into what stands in its way too.
# What happens: the speed is an upper limit. By default (speed mode 31) SUMO's own driver brakes for it, and the
#   call reports nothing. With speed mode 0 the car does crash, and is then removed from the road.
# Seen: a car is told 20 m/s in every step, 200 m before a parked one. It stops 2.5 m behind it: no collision in
#   40 s. With `setSpeedMode(id, 0)` it hits the parked car after 9.9 s at 20 m/s, and is gone.
# Why it matters: in a data set from such a task every action is safe, whatever it was, and the logged action is
#   not the one that was carried out. On a road without SUMO's driver the policy does crash.
# Way round: `setSpeedMode(id, 0)`, and `getSpeed` after the step as the action to log.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq eclipse-sumo==1.28.0 libsumo==1.28.0
cat > road.nod.xml <<'XML'
<nodes><node id="a" x="0" y="0"/><node id="b" x="1000" y="0"/></nodes>
XML
cat > road.edg.xml <<'XML'
<edges><edge id="e" from="a" to="b" numLanes="1" speed="40"/></edges>
XML
cat > cars.rou.xml <<'XML'
<routes>
  <route id="r" edges="e"/>
  <vehicle id="parked" route="r" depart="0" departPos="500" departSpeed="0">
    <stop lane="e_0" endPos="505" duration="1000"/>
  </vehicle>
  <vehicle id="agent" route="r" depart="0" departPos="300" departSpeed="20"/>
</routes>
XML
venv/bin/python -I - <<'PY'
import subprocess
from importlib.metadata import version

import libsumo
import sumo

print({name: version(name) for name in ("eclipse-sumo", "libsumo")})
netconvert = [f"{sumo.SUMO_HOME}/bin/netconvert", "-n", "road.nod.xml", "-e", "road.edg.xml", "-o", "road.net.xml"]
subprocess.run(netconvert, check=True, capture_output=True)


def drive(speed_mode):
    options = ["--step-length", "0.1", "--no-step-log", "--no-warnings"]
    libsumo.start(["sumo", "-n", "road.net.xml", "-r", "cars.rou.xml", *options])
    libsumo.simulationStep()
    if speed_mode is not None:
        libsumo.vehicle.setSpeedMode("agent", speed_mode)
    collisions, log = [], []
    for _ in range(400):
        if "agent" in libsumo.vehicle.getIDList():
            libsumo.vehicle.setSpeed("agent", 20)
            log.append((libsumo.vehicle.getLanePosition("agent"), libsumo.vehicle.getSpeed("agent")))
        libsumo.simulationStep()
        collisions += [(collision.collider, collision.victim) for collision in libsumo.simulation.getCollisions()]
    libsumo.close()
    return collisions, len(log), log[-1]


by_default, obeying = drive(None), drive(0)
for name, (collisions, steps, last) in {"by default": by_default, "speed mode 0": obeying}.items():
    print(name, "collisions", collisions, "steps on the road", steps, "last position and speed", last)
assert by_default[:2] == ([], 400) and by_default[2][1] < 0.1, "the car obeys now"
assert obeying[0] == [("agent", "parked")] and obeying[1] < 150 and obeying[2][1] == 20, "the way round fails"
PY
