#!/usr/bin/env bash
# FFmpeg makes a video of one picture from ten pictures whose numbers are the steps 0, 5, 10 and so on.
#
# Versions: imageio-ffmpeg 0.8.1 (with FFmpeg 9.0.2), pillow 13.0.0, numpy 2.4.6.
# One would guess: `-i step%04d.png` reads all files whose names fit, in order, or fails when the next one is missing.
# What happens: the numbers must follow one another without a gap. The first missing number ends the video, and FFmpeg
#   returns 0. It prints a line about the missing file where two pictures or more came before, and none after one.
# Seen: ten pictures of steps 0 to 45: a video of one picture, without a word. A log of 100 steps that lacks step 60 is
#   a video of 60 pictures. That of step 5, 6, 7 is refused, as the first number must be below 5.
# Why it matters: videos for annotators are made of pictures saved every few steps. A clip that ends before its
#   collision is labelled as safe.
# Way round: `-pattern_type glob -i "step*.png"`, or names that count pictures. Compare the number of frames after.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq imageio-ffmpeg==0.8.1 pillow==13.0.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
import subprocess
from importlib.metadata import version
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from PIL import Image

tool = imageio_ffmpeg.get_ffmpeg_exe()
print({name: version(name) for name in ("imageio-ffmpeg", "pillow", "numpy")})
print(subprocess.run([tool, "-version"], check=True, capture_output=True, text=True).stdout.splitlines()[0])


def video(steps, *reading):
    """The exit code, the message, and the steps that a video of these pictures shows."""
    for old in Path().glob("step*.png"):
        old.unlink()
    for step in steps:
        Image.fromarray(np.full((32, 32), 2 * step, np.uint8)).save(f"step{step:04d}.png")
    make = [tool, "-y", "-v", "warning", *reading, "-c:v", "ffv1", "video.mkv"]
    made = subprocess.run(make, capture_output=True, text=True)
    if made.returncode:
        return made.returncode, made.stderr, []
    show = [tool, "-v", "error", "-i", "video.mkv", "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    frames = np.frombuffer(subprocess.run(show, check=True, capture_output=True).stdout, np.uint8)
    return made.returncode, made.stderr, (frames.reshape(-1, 32, 32)[:, 0, 0] // 2).tolist()


numbers = ("-i", "step%04d.png")
code, message, shown = video(range(0, 50, 5), *numbers)
print("every fifth step: exit code", code, "message", repr(message), "shown", shown)
assert (code, message, shown) == (0, "", [0]), "other pictures are read now"
code, message, shown = video([step for step in range(100) if step != 60], *numbers)
print("without step 60: exit code", code, "shown", len(shown))
assert code == 0 and shown == list(range(60)), "the pictures after a gap are read now"
assert video([5, 6, 7], *numbers)[0] != 0
for steps in (range(0, 50, 5), [step for step in range(100) if step != 60]):
    assert video(steps, "-pattern_type", "glob", "-i", "step*.png")[2] == list(steps), "the way round fails"
PY
