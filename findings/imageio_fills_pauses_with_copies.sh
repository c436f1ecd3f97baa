#!/usr/bin/env bash
# imageio returns 50 frames for a video of 20: a pause between two frames is filled with copies.
#
# Versions: imageio 2.38.1, imageio-ffmpeg 0.8.1, av 18.1.0 (to write the video), numpy 2.4.6.
# One would guess: the frames that the file holds, one for each that the camera took.
# What happens: the plugin that comes with imageio-ffmpeg lets FFmpeg turn the frames into a constant rate. It
#   repeats the last frame over a pause, and drops frames that come closer together. The plugin for PyAV
#   returns the 20 frames.
# Seen: frames 33 ms apart with a pause of 1 s after the tenth: 50 frames, the tenth of them 31 times.
# Why it matters: cameras slow down in the dark and stop for a while; their files carry a time for each frame. An
#   index of a frame is the index of a row of the log: after the first pause they point to different moments.
# Way round: `iio.imread(path, plugin="pyav")`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq imageio==2.38.1 imageio-ffmpeg==0.8.1 av==18.1.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

from fractions import Fraction

import av
import imageio.v3 as iio
import numpy as np

print({name: version(name) for name in ("imageio", "imageio-ffmpeg", "av", "numpy")})
with av.open("camera.mp4", "w") as video:
    stream = video.add_stream("libx264", rate=30)
    stream.width = stream.height = 64
    stream.codec_context.time_base = Fraction(1, 1000)
    for index in range(20):
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 6 * index, np.uint8), format="rgb24")
        frame.time_base, frame.pts = Fraction(1, 1000), 33 * index + (1000 if index >= 10 else 0)
        video.mux(stream.encode(frame))
    video.mux(stream.encode())


def frames(plugin):
    return [round(float(frame.mean()) / 6) for frame in iio.imiter("camera.mp4", plugin=plugin)]


by_ffmpeg, by_pyav = frames("FFMPEG"), frames("pyav")
print("imageio-ffmpeg", by_ffmpeg, "PyAV", by_pyav)
assert len(by_ffmpeg) >= 45 and by_ffmpeg.count(9) >= 25, "the pause is no longer filled"
assert by_pyav == list(range(20)), "the way round fails"
PY
