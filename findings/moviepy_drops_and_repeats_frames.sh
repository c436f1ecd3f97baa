#!/usr/bin/env bash
# MoviePy writes a video of 30 given frames with one frame missing, or with one shown twice.
#
# Versions: moviepy 2.2.1, imageio-ffmpeg 0.8.1, av 18.1.0 (to count), numpy 2.4.6.
# One would guess: `ImageSequenceClip(frames, fps).write_videofile` writes each frame once, in order.
# What happens: frames are looked up by time, and the times are running sums of 1 / fps. Rounding puts
#   some times just below a frame's start, and the end just below the last frame.
# Seen: at 30 frames a second the last frame is missing. At 10 the file holds ..., 22, 23, 23, 25, ..., 28,
#   28: frames 24 and 29 are lost. At 24 all are there.
# Why it matters: frame i of a clip is step i of a log. An end that is the accident is exactly the frame
#   lost, and a check by the number of frames passes at 10 frames a second.
# Way round: write with PyAV or imageio, frame by frame.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq moviepy==2.2.1 imageio-ffmpeg==0.8.1 av==18.1.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import warnings

warnings.simplefilter("ignore")
import av
import numpy as np
from moviepy import ImageSequenceClip

print({name: version(name) for name in ("moviepy", "imageio-ffmpeg", "av", "numpy")})
frames = [np.full((64, 64, 3), 8 * index, np.uint8) for index in range(30)]


def written(rate):
    ImageSequenceClip(frames, fps=rate).write_videofile("clip.mp4", logger=None)
    with av.open("clip.mp4") as video:
        pictures = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    return [round(picture.mean() / 8) for picture in pictures]


at_30, at_10, at_24 = written(30), written(10), written(24)
print("30:", at_30, "10:", at_10)
assert at_30 == list(range(29)), "the last frame is no longer lost"
assert at_10 == [*range(24), 23, *range(25, 29), 28], "frames are no longer repeated"
assert at_24 == list(range(30)), "24 frames a second is no longer right"

with av.open("whole.mp4", "w") as video:
    stream = video.add_stream("libx264", rate=30)
    stream.width = stream.height = 64
    for picture in frames:
        video.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
    video.mux(stream.encode())
with av.open("whole.mp4") as video:
    assert sum(1 for _ in video.decode(video=0)) == 30, "the way round fails"
PY
