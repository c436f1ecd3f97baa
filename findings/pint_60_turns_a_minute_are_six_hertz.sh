#!/usr/bin/env bash
# Pint converts 60 turns a minute into 6.28 Hz.
#
# Versions: pint 0.25.3.
# One would guess: 60 rpm are one turn a second, and that is 1 Hz. A unit library is there to get this right, or to
#   refuse what has no answer.
# What happens: a turn is 2 pi radians, a radian is the number 1, and a hertz is one a second. So Pint takes a hertz
#   for a radian a second, and every conversion between the two is off by 2 pi.
# Seen: 60 rpm, 1 turn a second and 360 degrees a second are all 6.283 Hz. 1 Hz is 9.55 rpm. No warning is given.
# Why it matters: wheel speeds come in rpm, shaking and blinking in Hz. A limit of 10 Hz refuses a wheel that turns
#   twice a second. A cost that counts speeds above a limit is wrong by 2 pi.
# Way round: divide by one turn before asking for hertz: `(speed / ureg.turn).to("Hz")`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pint==0.25.3
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version
from math import isclose, pi

import pint

print({"pint": version("pint")})
ureg = pint.UnitRegistry()
speeds = [ureg.Quantity(60, "rpm"), ureg.Quantity(1, "turn/second"), ureg.Quantity(360, "degree/second")]
for speed in speeds:
    print(speed, "is", speed.to("Hz"), "and", speed.to("rad/s"))
    assert isclose(speed.to("rad/s").magnitude, 2 * pi)
    assert isclose(speed.to("Hz").magnitude, 2 * pi), "the conversion to hertz has changed"
back = ureg.Quantity(1, "Hz").to("rpm")
print("1 Hz is", back)
assert isclose(back.magnitude, 60 / (2 * pi)), "the conversion from hertz has changed"
wheel = ureg.Quantity(120, "rpm")
assert wheel > ureg.Quantity(10, "Hz"), "two turns a second are no longer above 10 Hz"
assert all(isclose((speed / ureg.turn).to("Hz").magnitude, 1) for speed in speeds), "the way round fails"
PY
