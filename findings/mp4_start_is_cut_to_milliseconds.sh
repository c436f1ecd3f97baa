#!/usr/bin/env bash
# An MP4 or MOV file cuts the time of its first frame to whole milliseconds and moves all others with it.
#
# Versions: av 18.1.0 with the FFmpeg that it ships, numpy 2.4.6.
# One would guess: time stamps in units of 1/90000 s come back as they were written.
# What happens: distances between frames are stored in the stream's units, the start as an "edit" in
#   units of the film, 1/1000 s, cut off. A start before zero loses the frames before zero.
# Seen: frames at 0.5006, 0.533933, ... come back at 0.5, 0.533333, ...; a start of 0.0125 as 0.012.
#   Four frames from -0.1 s on: one frame comes back, at 0.
# Why it matters: several cameras and a log share one clock, each file with its own start. Up to 1 ms is
#   lost per file, always in one direction, and a recording cut to start at a trigger loses its lead.
# Way round: store the exact start beside the file, and start each file at 0.
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
def back(name, times):
    with av.open(name, "w") as video:
        stream = video.add_stream("libx264", rate=30)
        stream.width = stream.height = 64
        stream.codec_context.time_base = Fraction(1, 90000)
        for time in times:
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            frame.time_base, frame.pts = Fraction(1, 90000), round(time * 90000)
            video.mux(stream.encode(frame))
        video.mux(stream.encode())
    with av.open(name) as video:
        return [float(frame.time) for frame in video.decode(video=0)]


for name in ("clip.mp4", "clip.mov"):
    for start, kept in ((0.5006, 0.5), (0.0125, 0.012)):
        times = np.array([start + index / 30 for index in range(4)])
        read = np.array(back(name, times))
        print(name, times.round(6), "->", read.round(6))
        assert np.allclose(read - read[0], times - times[0], atol=2e-5), "the distances are no longer kept"
        assert abs(read[0] - kept) < 2e-5, "the start is no longer cut to a millisecond"
    early = back(name, [index / 30 - 0.1 for index in range(4)])
    print(name, "from -0.1:", early)
    assert early == [0.0], "frames before zero are no longer lost"

assert np.allclose(back("zero.mp4", [0, 0.0334, 0.0667]), [0, 0.0334, 0.0667], atol=2e-5), "the way round fails"
PY
