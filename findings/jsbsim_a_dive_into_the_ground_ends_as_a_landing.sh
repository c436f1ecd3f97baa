#!/usr/bin/env bash
# JSBSim flies on after a plane has dived into the ground: it rolls on its wheels, or is thrown up faster than it came.
#
# Versions: jsbsim 1.3.3, numpy 2.4.6.
# One would guess: `run()` returns False after a crash, or a property says that there was one.
# What happens: the ground is a spring at the contact points of the plane. `run()` goes on returning True, and nothing
#   is broken. A spring that is pressed hard in one step can give back more than it took.
# Seen: a Cessna with its engine off. Dives of 45 and 60 degrees from 600 to 1,001 ft hit the ground at 57 to 69 m/s,
#   with 49 to 77 g. All end upright on the wheels, at height 4.3 ft. Of five dives of 20 degrees, from 499 to 510 ft,
#   four have more than six times the energy of the impact afterwards, one of them NaN at the end. All calls of `run()`
#   return True, and no property has "crash" in its name.
# Why it matters: a cost of "has the flight ended?" stays 0, and a low final speed at height 0 looks like a landing.
# Way round: end the episode at the first step with a load (`accelerations/Nz`) above that of a hard landing, or with
#   `contact/unit[N]/WOW` of a wing tip. Look at every step: the last one shows nothing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq jsbsim==1.3.3 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import jsbsim

print({name: version(name) for name in ("jsbsim", "numpy")})


def dive(height, angle):
    """Speed at the first touch; the largest load and energy after it; height, roll and pitch at the end."""
    plane = jsbsim.FGFDMExec(None)
    plane.set_debug_level(0)
    plane.load_model("c172x")
    for name, value in (("h-agl-ft", height), ("vc-kts", 100), ("gamma-deg", -angle), ("theta-deg", -angle)):
        plane[f"ic/{name}"] = value
    plane.run_ic()
    assert "crash" not in "".join(plane.query_property_catalog("")).lower(), "a property tells of crashes now"
    touch, before, load, energy = None, 0, 0, 0
    for _ in range(8000):
        assert plane.run(), "the simulation ends with a crash now"
        speed = 0.3048 * plane["velocities/vt-fps"]
        now = 9.81 * 0.3048 * plane["position/h-agl-ft"] + speed**2 / 2
        if touch is None and any(plane[f"gear/unit[{wheel}]/WOW"] for wheel in range(3)):
            touch, before = speed, now
        if touch is not None:
            load, energy = max(load, abs(plane["accelerations/Nz"])), max(energy, now / before)
    assert not plane["propulsion/engine/set-running"]
    tilt = max(abs(plane["attitude/phi-deg"]), abs(plane["attitude/theta-deg"]))
    return touch, load, energy, plane["position/h-agl-ft"], tilt


for height, angle in ((1000, 60), (1001, 60), (600, 45)):
    touch, load, _, last, tilt = dive(height, angle)
    print(f"{angle} degrees: {touch:.1f} m/s, {load:.0f} g; at the end {last:.1f} ft, tilted by {tilt:.1f} degrees")
    assert 50 < touch < 75 and load > 30 and 3 < last < 6 and tilt < 10, "it does not end on its wheels now"
energies = [dive(height, 20)[2] for height in (499, 500, 500.0001, 500.1, 510)]
print("20 degrees: energy afterwards by that of the impact", *(f"{energy:.3g}" for energy in energies))
assert max(energies) > 5, "the ground no longer throws the plane up"
PY
