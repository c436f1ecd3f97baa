"""Contrastive preference learning: its loss, what it reads, and where it goes."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from algorithm_data import assert_same_weights, one_thread, tiny_feedback, weights_of  # noqa: F401
from baseline_case import SEEDS, batch_of, known_direction, moved  # noqa: F401
from contract import CASES
from minari import MinariDataset

from sb3_presa import CPL
from sb3_presa.algorithms.cpl import CPLObjective
from sb3_presa.errors import ConfigError, FeedbackError
from sb3_presa.feedback.table import Feedback

(CASE,) = (case for case in CASES if case.name == "cpl")
NAN = math.nan


def test_the_loss_by_hand() -> None:
    """r = a + b / 2 of the two steps; u = 2 r; the rejected one counts half."""
    objective = CPLObjective(2.0, 0.5, gamma=0.5, normalize_length=False, n_pairs=2)
    batch = batch_of(
        [[[1.0, -1.0], [0.0, 2.0]], [[-1.0, 0.0], [0.5, 1.0]]],
        [[NAN, NAN], [1.0, 0.0]],
        [1.0, 0.25],
    )
    # r is (.5, 1) and (-1, 1), so u is (1, 2) and (-2, 2)
    first = math.log(1 + math.exp(-(1 - 0.5 * 2)))
    second = 0.25 * math.log(1 + math.exp(-(-2 - 0.5 * 2)))
    second += 0.75 * math.log(1 + math.exp(-(2 - 0.5 * -2)))
    loss, metrics, _ = objective.loss(batch, {})
    assert loss.item() == pytest.approx((first + second) / 2)
    assert metrics["log_ratio_preferred"].item() == pytest.approx((0.5 + 1) / 2)
    assert metrics["log_ratio_rejected"].item() == pytest.approx((1 - 1) / 2)


def test_safety_labels_change_nothing(box_dataset: MinariDataset) -> None:
    feedback = tiny_feedback(box_dataset)
    trained = CASE.trained(box_dataset, feedback, validation_fraction=0.2)
    for p_safe in (1.0 - feedback.p_safe, np.full(len(feedback.p_safe), NAN)):
        other = replace(feedback, p_safe=p_safe)
        assert_same_weights(trained, CASE.trained(box_dataset, other, validation_fraction=0.2))
    flipped = replace(feedback, preferences=1.0 - feedback.preferences)
    name = "/policy/actor.head.mean.weight"
    different = weights_of(CASE.trained(box_dataset, flipped, validation_fraction=0.2))
    assert not np.array_equal(weights_of(trained)[name], different[name])


def test_it_goes_where_preferences_point(known_direction: MinariDataset) -> None:  # noqa: F811
    """Right and up, safe or not, over 5 seeds: at random, with a probability of 1 in 1,024."""
    for seed in SEEDS:
        right, up = moved(CPL, known_direction, seed)
        assert right > 0.15
        assert up > 0.05


def test_without_comparisons_it_is_refused(box_dataset: MinariDataset) -> None:
    with pytest.raises(FeedbackError, match="`feedback` must hold comparisons, got none"):
        CASE.make(box_dataset, Feedback.create(box_dataset, [(0, 0, 5)], [1.0]))
    with pytest.raises(FeedbackError, match="`feedback` must hold comparisons, got none"):
        CPL.load_offline(box_dataset, None, device="cpu")


@pytest.mark.parametrize(
    ("name", "value"), [("alpha", 0.0), ("preference_bias", 0.0), ("gamma", 1.5), ("n_pairs", 0)]
)
def test_arguments_out_of_their_range(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"{name}\b.*{value}"):
        CPL(**{name: value}, device="cpu")
