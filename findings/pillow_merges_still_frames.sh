#!/usr/bin/env bash
# Pillow writes fewer frames than given to GIF, animated PNG and WebP, and GIF times are cut to 10 ms.
#
# Versions: pillow 11.3.0, numpy 2.4.6.
# One would guess: six frames saved with `save_all` are six frames in the file, 33 ms each.
# What happens: a frame equal to the one before is left out and lengthens that one. GIF counts in
#   hundredths of a second, and 33 is cut to 30.
# Seen: six frames of brightness 0, 0, 0, 100, 100, 200. GIF, PNG and WebP have three frames, TIFF has six.
#   The GIF's three last 90, 60 and 30 ms: 0.18 s in place of 0.198 s.
# Why it matters: frame i of a clip is taken for step i. A robot that waits makes equal frames, so labels
#   set on frames of the animation belong to later steps; the clip also plays 10% faster.
# Way round: a video format, or numbered still images; for GIF durations in tens of milliseconds.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pillow==11.3.0 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import io

import numpy as np
from PIL import Image

print({name: version(name) for name in ("pillow", "numpy")})
frames = [Image.fromarray(np.full((8, 8), value, np.uint8)) for value in (0, 0, 0, 100, 100, 200)]
counts, durations = {}, {}
for form in ("GIF", "PNG", "WEBP", "TIFF"):
    file = io.BytesIO()
    frames[0].save(file, form, save_all=True, append_images=frames[1:], duration=33)
    with Image.open(io.BytesIO(file.getvalue())) as image:
        counts[form] = image.n_frames
        durations[form] = []
        for index in range(image.n_frames):
            image.seek(index)
            durations[form].append(image.info.get("duration"))
print(counts, "GIF", durations["GIF"])
assert counts == {"GIF": 3, "PNG": 3, "WEBP": 3, "TIFF": 6}, "the frames are no longer merged"
assert durations["GIF"] == [90, 60, 30], "the GIF's times are no longer cut"
PY
