#!/usr/bin/env bash
# OpenCV finds a black template at all 256 places of a picture of noise, each with the score 1.0 of a perfect match.
#
# Versions: opencv-python-headless 5.0.0.93, numpy 2.4.6.
# One would guess: a template of one grey level has no correlation with anything: NaN, 0, or an error. The formula of
#   `TM_CCOEFF_NORMED` divides 0 by 0.
# What happens: `matchTemplate` gives 1.0 everywhere, whatever the grey level and the picture. A template that has
#   contrast gives 0.0 in a picture without. One grey level in one pixel is enough for small scores. No warning.
# Seen: a picture of 20 by 20 random bytes. Template of 5 by 5 black pixels: 1.0 at all places, and the best of them
#   is 0, 0. All white: the same. Black with one pixel of 1: at most 0.4. A piece of the picture: 1.0 at its place
#   only. That piece in a picture of one grey level: 0.0. NumPy's correlation of the black template is NaN.
# Why it matters: frames are cut out of a log and looked for in others, to find a robot, a sign or a repeated clip.
#   What was cut out while the lens was covered, or of a blank wall, is found in every frame, with the best of all
#   scores.
# Way round: leave out templates whose `std()` is small, or use `TM_SQDIFF_NORMED`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq opencv-python-headless==5.0.0.93 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import cv2
import numpy as np

print({name: version(name) for name in ("opencv-python-headless", "numpy")})
picture = np.random.default_rng(0).integers(0, 255, (20, 20), dtype=np.uint8)
black = np.zeros((5, 5), np.uint8)
dot = black.copy()
dot[2, 2] = 1
piece = picture[3:8, 4:9].copy()
PLACES = [(row, column) for row in range(16) for column in range(16)]


def scores(where, what, method=cv2.TM_CCOEFF_NORMED):
    return cv2.matchTemplate(where, what, method)


def correlation(where, what):
    """The same by NumPy, with NaN where one of the two has no contrast."""
    with np.errstate(invalid="ignore"):
        pairs = [np.corrcoef(where[r:r + 5, c:c + 5].ravel(), what.ravel())[0, 1] for r, c in PLACES]
    return np.array(pairs).reshape(16, 16)


for name, template in (("black", black), ("white", black + 255), ("grey", black + 128)):
    found = scores(picture, template)
    print(name, "scores", found.min(), "to", found.max(), "at", found.size, "places, best", cv2.minMaxLoc(found)[3])
    assert found.size == 256 and (found == 1).all(), "a template without contrast is not found everywhere now"
    assert np.isnan(correlation(picture, template)).all()
for name, template in (("dot", dot), ("piece", piece)):
    found = scores(picture, template)
    low, high = round(float(found.min()), 2), round(float(found.max()), 2)
    print(name, "scores", low, "to", high, "best", cv2.minMaxLoc(found)[3])
    assert np.allclose(found, correlation(picture, template), atol=1e-3)
assert scores(picture, dot).max() < 0.5 and (scores(picture, piece) > 0.99).sum() == 1
blank = np.full((20, 20), 77, np.uint8)
print("piece in a blank picture", scores(blank, piece).max(), "black in a blank picture", scores(blank, black).min())
assert (scores(blank, piece) == 0).all() and (scores(blank, black) == 1).all()
squares = scores(picture, black, cv2.TM_SQDIFF_NORMED)
print("way round: smallest normalised squared difference", squares.min(), "of the piece",
      round(float(scores(picture, piece, cv2.TM_SQDIFF_NORMED).min()), 3))
assert squares.min() > 0.5 and scores(picture, piece, cv2.TM_SQDIFF_NORMED).min() < 0.01, "the way round fails"
assert black.std() == 0 < piece.std()
PY
