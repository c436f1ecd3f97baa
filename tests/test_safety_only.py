"""The safety term alone: its value, what it reads, and where it goes."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from algorithm_data import assert_same_weights, one_thread, tiny_feedback, weights_of  # noqa: F401
from baseline_case import SEEDS, batch_of, known_direction, moved  # noqa: F401
from contract import CASES
from minari import MinariDataset

from sb3_presa import SafetyOnly
from sb3_presa.algorithms.safety_only import SafetyOnlyObjective
from sb3_presa.errors import ConfigError, FeedbackError
from sb3_presa.feedback.table import Feedback

(CASE,) = (case for case in CASES if case.name == "safety-only")
NAN = math.nan


def sigmoid(u: float) -> float:
    return 1.0 / (1.0 + math.exp(-u))


@pytest.mark.parametrize("unsafe_weight", [None, 0.75])
def test_the_loss_by_hand(unsafe_weight: float | None) -> None:
    """r = a + b of the two steps; u = r / 2."""
    objective = SafetyOnlyObjective(
        0.5, unsafe_weight, gamma=1.0, normalize_length=False, n_pairs=2
    )
    batch = batch_of(
        [[[1.0, 1.0], [2.0, 2.0]], [[-1.0, 3.0], [-4.0, 0.0]]], [[1.0, 1.0], [1.0, 0.0]], [NAN, 1.0]
    )
    safe, unsafe = [sigmoid(1.0), sigmoid(2.0), sigmoid(1.0)], sigmoid(2.0)
    expected = (sum(safe) + unsafe) / 4
    if unsafe_weight is not None:
        expected = 0.25 * sum(safe) / 3 + 0.75 * unsafe
    loss, metrics, _ = objective.loss(batch, {})
    assert loss.item() == pytest.approx(-expected)
    assert metrics["p_right_safe"].item() == pytest.approx(sum(safe) / 3)
    assert metrics["p_right_unsafe"].item() == pytest.approx(unsafe)


def test_preferences_change_nothing(box_dataset: MinariDataset) -> None:
    """Neither what they say, nor which segments are compared, nor whether there are any."""
    feedback = tiny_feedback(box_dataset)
    trained = CASE.trained(box_dataset, feedback, validation_fraction=0.2)
    chain = [(i, i + 1) for i in range(40)]
    for other in (
        replace(feedback, preferences=1.0 - feedback.preferences),
        Feedback.create(box_dataset, feedback.segments, feedback.p_safe, chain),
        Feedback.create(box_dataset, feedback.segments, feedback.p_safe),
    ):
        assert_same_weights(trained, CASE.trained(box_dataset, other, validation_fraction=0.2))
    flipped = replace(feedback, p_safe=1.0 - feedback.p_safe)
    name = "/policy/actor.head.mean.weight"
    different = weights_of(CASE.trained(box_dataset, flipped, validation_fraction=0.2))
    assert not np.array_equal(weights_of(trained)[name], different[name])


def test_it_avoids_what_is_unsafe(known_direction: MinariDataset) -> None:  # noqa: F811
    """Down, and neither right nor left, over 5 seeds: down at random with 1 in 32."""
    for seed in SEEDS:
        right, up = moved(SafetyOnly, known_direction, seed)
        assert up < -0.17
        assert abs(right) < 0.07


def test_without_safety_labels_it_is_refused(box_dataset: MinariDataset) -> None:
    feedback = Feedback.create(box_dataset, [(0, 0, 5), (1, 0, 5)], None, [(0, 1)])
    with pytest.raises(FeedbackError, match="`feedback` must hold safety labels, got none"):
        CASE.make(box_dataset, feedback)


@pytest.mark.parametrize(("label", "word"), [(1.0, "safe"), (0.0, "unsafe")])
def test_one_class_warns(label: float, word: str, box_dataset: MinariDataset) -> None:
    feedback = Feedback.create(box_dataset, [(0, 0, 5), (1, 0, 5)], [label, label])
    with pytest.warns(UserWarning, match=f"every safety label says {word}"):
        CASE.trained(box_dataset, feedback)


@pytest.mark.parametrize(
    ("name", "value"), [("beta", 0.0), ("unsafe_weight", 0.0), ("unsafe_weight", 1.0)]
)
def test_arguments_out_of_their_range(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"{name}\b.*{value}"):
        SafetyOnly(**{name: value}, device="cpu")
