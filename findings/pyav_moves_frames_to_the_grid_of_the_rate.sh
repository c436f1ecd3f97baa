#!/usr/bin/env bash
# PyAV moves frames to multiples of 1 / rate although each frame carries its own time stamp.
#
# Versions: av 18.1.0 with the FFmpeg that it ships, numpy 2.4.6.
# One would guess: `frame.pts` and `frame.time_base` decide when a frame is shown; `rate` is a hint.
# What happens: `add_stream(codec, rate=30)` gives the encoder the time base 1/30, and the stamps are
#   rounded to it. Two frames that fall on one multiple raise an error; otherwise nothing is said.
# Seen: frames at 0, 0.040, 0.061 and 0.100 s come back at 0, 0.0333, 0.0667 and 0.1 s.
# Why it matters: cameras jitter, and that is why their logs hold time stamps. After such a rewriting the
#   frame beside a sensor's reading is up to half a period off, and the jitter can no longer be seen.
# Way round: `stream.codec_context.time_base = Fraction(1, 90000)` before the first frame.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq av==18.1.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

from fractions import Fraction

import av
import numpy as np

print({name: version(name) for name in ("av", "numpy")})
TIMES = [0.0, 0.04, 0.061, 0.1]


def back(name, time_base=None):
    with av.open(name, "w") as video:
        stream = video.add_stream("libx264", rate=30)
        stream.width = stream.height = 64
        if time_base is not None:
            stream.codec_context.time_base = time_base
        for time in TIMES:
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            frame.time_base, frame.pts = Fraction(1, 1_000_000), round(time * 1e6)
            video.mux(stream.encode(frame))
        video.mux(stream.encode())
    with av.open(name) as video:
        return np.array([float(frame.time) for frame in video.decode(video=0)])


moved = back("moved.mp4")
print("written", TIMES, "read", moved.round(6))
assert np.allclose(moved * 30, [0, 1, 2, 3], atol=1e-3), "the stamps are no longer rounded to the rate"
assert np.allclose(back("kept.mp4", Fraction(1, 90000)), TIMES, atol=2e-5), "the way round fails"
PY
