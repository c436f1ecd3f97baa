#!/usr/bin/env bash
# nuScenes gives a detector that says NaN for the speed of every moving car a smaller error than one that tries.
#
# Versions: nuscenes-devkit 1.2.0, scipy 1.14.1, numpy 1.26.4.
# One would guess: what the docstring of `velocity_l2` says: a predicted velocity of NaN has an infinite error, which is
#   then clipped to 1.
# What happens: the error is NaN, and `cummean` leaves NaN out, as it must for annotations without a speed. Boxes may
#   have a velocity of NaN, no check refuses it. Only if all are NaN is the error 1.
# Seen: 400 cars, half of them at 10 m/s. A detector that is right to 0.1 m/s for parked cars and to 1 m/s for moving
#   ones has a velocity error of 0.54 m/s and a score (NDS) of 0.946. With NaN for all moving cars: 0.10 and 0.990.
# Why it matters: the speed of what moves is what safety needs, and costs such as time to collision are taken from it. A
#   tracker that gives no speed when unsure comes first in the ranking, and nothing tells that it gave none.
# Way round: put 0 in place of NaN in predictions. Who says nothing then errs by the speed of the car.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pyquaternion==0.9.9 matplotlib==3.10.9 scikit-learn==1.7.2 scipy==1.14.1 tqdm==4.70.1 \
  cachetools==6.2.1 opencv-python-headless==4.11.0.86 numpy==1.26.4
venv/bin/pip install -qq --no-deps nuscenes-devkit==1.2.0
MPLBACKEND=agg venv/bin/python -I -W ignore - <<'PY'
import json
from importlib.metadata import version

import numpy as np
from nuscenes.eval.common.config import config_factory
from nuscenes.eval.common.data_classes import EvalBoxes
from nuscenes.eval.common.utils import center_distance, velocity_l2
from nuscenes.eval.detection.algo import accumulate, calc_ap, calc_tp
from nuscenes.eval.detection.constants import TP_METRICS
from nuscenes.eval.detection.data_classes import DetectionBox, DetectionMetrics

print({name: version(name) for name in ("nuscenes-devkit", "scipy", "numpy")})
settings = config_factory("detection_cvpr_2019")
random = np.random.default_rng(0)
speeds = np.where(np.arange(400) % 2, 10.0, 0.0)  # every other car drives at 10 m/s
trust = random.uniform(0.3, 1, 400)


def boxes(velocities, detected):
    """One car in each of 400 pictures, written as JSON and read again as results are."""
    found = EvalBoxes()
    for car, (velocity, score) in enumerate(zip(velocities, trust)):
        box = {"sample_token": str(car), "translation": [20.0, 0, 0], "size": [2.0, 4.5, 1.6], "rotation": [1, 0, 0, 0]}
        box |= {"velocity": [velocity, 0.0], "detection_name": "car", "attribute_name": "vehicle.moving"}
        box |= {"detection_score": float(score)} if detected else {}
        found.add_boxes(str(car), [DetectionBox.deserialize(json.loads(json.dumps(box)))])
    return found


def scores(predicted):
    """Mean error of velocity and detection score, with nothing but cars in the data."""
    metrics, results = DetectionMetrics(settings), boxes(predicted.tolist(), True)
    for name in settings.class_names:
        data = accumulate(boxes(speeds.tolist(), False), results, name, center_distance, settings.dist_th_tp)
        for metric in TP_METRICS:
            metrics.add_label_tp(name, metric, calc_tp(data, settings.min_recall, metric) if name == "car" else np.nan)
        if name == "car":
            metrics.add_label_ap(name, settings.dist_th_tp, calc_ap(data, settings.min_recall, settings.min_precision))
    return round(metrics.tp_errors["vel_err"], 2), round(metrics.nd_score, 3), round(metrics.mean_ap, 2)


tries = speeds + np.where(speeds, -1.0, 0.1)  # right to 0.1 m/s for parked cars, to 1 m/s for moving ones
silent = np.where(speeds, np.nan, tries)
seen = {"tries": scores(tries), "silent on moving cars": scores(silent), "silent on all": scores(speeds * np.nan)}
print("error of velocity, detection score, precision:", seen)
one = DetectionBox(velocity=(10.0, 0.0)), DetectionBox(velocity=(float("nan"), 0.0))
print("docstring:", "return inf" in velocity_l2.__doc__, "one box:", velocity_l2(*one))
assert "return inf" in velocity_l2.__doc__ and np.isnan(velocity_l2(*one)), "NaN has an infinite error now"
assert 0.5 < seen["tries"][0] < 0.6 and seen["silent on moving cars"][0] == 0.1, "NaN counts as an error now"
assert seen["silent on moving cars"][1] > seen["tries"][1] + 0.03, "who is silent is no longer the best"
assert seen["silent on all"][0] == 1 and {row[2] for row in seen.values()} == {1.0}
zero = scores(np.nan_to_num(silent, nan=0.0))
print("way round, 0 in place of NaN:", zero)
assert zero[0] > 4 and zero[1] < seen["tries"][1], "the way round fails"
PY
