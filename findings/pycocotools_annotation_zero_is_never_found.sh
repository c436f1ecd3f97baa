#!/usr/bin/env bash
# pycocotools counts the detection of the annotation with id 0 as a false alarm: a perfect detector is not perfect.
#
# Versions: pycocotools 2.0.11, numpy 2.4.6.
# One would guess: ids are names. Files whose annotations count from 0 are read without a word, and give the same
#   scores.
# What happens: the evaluation notes for every detection the id of the annotation that it found, and 0 means "none". So
#   whoever finds the annotation 0 has found none in the score, and nobody else may find it.
# Seen: five pictures with a person each, and exactly these five boxes as detections. Ids from 1: precision and recall
#   1.0. Ids from 0: precision .642, recall .8. With one picture, both are 0.
# Why it matters: exports that number annotations by `enumerate` begin with 0. A detector of people that stop a robot
#   looks worse than it is, the more so the fewer people are in the test.
# Way round: add 1 to all ids of annotations before the file is loaded.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pycocotools==2.0.11 numpy==2.4.6
venv/bin/python -I - <<'PY'
from contextlib import redirect_stdout
from importlib.metadata import version
from io import StringIO

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

print({name: version(name) for name in ("pycocotools", "numpy")})
PRECISION, RECALL = 0, 8  # of the summary: over all thresholds, with up to 100 detections


def scores(first, pictures):
    """Precision and recall of a detector that returns every annotated box."""
    boxes = [{"image_id": k, "category_id": 1, "bbox": [10, 10, 30, 40]} for k in range(1, pictures + 1)]
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": k, "width": 100, "height": 100} for k in range(1, pictures + 1)],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [box | {"id": first + k, "area": 1200, "iscrowd": 0} for k, box in enumerate(boxes)],
    }
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes([box | {"score": 0.9} for box in boxes]), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return round(float(evaluation.stats[PRECISION]), 3), round(float(evaluation.stats[RECALL]), 3)


with redirect_stdout(StringIO()):
    seen = {(first, pictures): scores(first, pictures) for first in (0, 1) for pictures in (1, 5)}
for (first, pictures), pair in seen.items():
    print(f"ids from {first}, pictures: {pictures}, precision and recall:", *pair)
assert seen[1, 1] == seen[1, 5] == (1.0, 1.0)
assert seen[0, 1] == (0.0, 0.0) and seen[0, 5] == (00.642, 0.8), "the annotation with id 0 counts now"
PY
