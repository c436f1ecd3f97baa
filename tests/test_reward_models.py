"""Models of reward and cost: their losses, their units, and what is said of them."""

import math

import numpy as np
import pytest
import torch as th
from algorithm_data import flat_transitions, lone_feedback, one_thread  # noqa: F401
from hypothesis import given
from hypothesis import strategies as st

from sb3_presa.algorithms.q_learning.ensemble import EnsembleMLP
from sb3_presa.algorithms.q_learning.reward_models import (
    cost_loss,
    decision_boundary,
    held_out_metrics,
    reward_loss,
    segment_means,
)
from sb3_presa.learning.source import SegmentLabels, make_labels

NAN = math.nan


def log_sigmoid(u: float) -> float:
    return -math.log(1.0 + math.exp(-u))


# --- losses ---------------------------------------------------------------------------------


def test_the_loss_of_preferences_by_hand() -> None:
    """Two members; a win of the first, a tie, and a pair without preference."""
    returns = th.tensor([[[2.0, 1.0], [0.0, 3.0], [9.0, 0.0]], [[0.0, 0.0]] * 3])
    returns.requires_grad_()
    loss = reward_loss(returns, th.tensor([1.0, 0.5, NAN]))
    first = -log_sigmoid(1.0) - 0.5 * (log_sigmoid(3.0) + log_sigmoid(-3.0))
    assert loss.item() == pytest.approx((first + 2 * math.log(2)) / 2)
    loss.backward()
    assert returns.grad is not None
    assert (returns.grad[:, 2] == 0).all()
    assert returns.grad[1, 0].tolist() == pytest.approx([-0.25, 0.25])


def test_the_loss_of_safety_labels_by_hand() -> None:
    """A step of a segment on the boundary costs 1: that is as likely to be safe as not."""
    rates = th.tensor([[[1.0, 0.0], [1.5, 7.0]]], requires_grad=True)
    loss = cost_loss(rates, th.tensor([[1.0, 1.0], [0.0, NAN]]))
    parts = [math.log(2), -log_sigmoid(6.0), -log_sigmoid(3.0)]
    assert loss.item() == pytest.approx(sum(parts) / 3)
    loss.backward()
    assert rates.grad is not None
    assert rates.grad[0, 1, 1] == 0
    assert rates.grad[0, 0, 0] > 0, "what is safe should cost less"
    assert rates.grad[0, 1, 0] < 0


def test_an_ensemble_is_its_members() -> None:
    ensemble = EnsembleMLP(3, 4, [5, 6])
    inputs = th.randn(7, 4)
    outputs = ensemble(inputs)
    for member in range(3):
        hidden = inputs
        for layer, (weight, bias) in enumerate(zip(ensemble.weights, ensemble.biases, strict=True)):
            hidden = (hidden if layer == 0 else hidden.relu()) @ weight[member] + bias[member]
        assert th.allclose(outputs[member], hidden.squeeze(-1), atol=1e-6)
    inputs.requires_grad_()
    ensemble(inputs, frozen=True).sum().backward()
    assert inputs.grad is not None
    assert all(parameter.grad is None for parameter in ensemble.parameters())


# --- units ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rates", "p_safe", "boundary"),
    [
        ([0.8, 0.1, 1.2, 0.4], [0.0, 1.0, 0.0, 1.0], 0.6),
        ([0.8, 0.1, 1.2, 0.4, 0.5], [0.0, 1.0, 0.0, 1.0, NAN], 0.6),
        # .3 and .9 are as good as each other: one error
        ([0.2, 0.4, 0.8, 1.0], [1.0, 0.0, 1.0, 0.0], 0.6),
        # a label of .9 is an error of .1 when its segment is called unsafe
        ([0.2, 0.4, 0.8], [1.0, 0.9, 0.0], 0.6),
        ([0.2, 0.4], [1.0, 1.0], 1.0),
        ([0.2, 0.4], [0.0, 0.0], 1.0),
        ([], [], 1.0),
    ],
)
def test_the_boundary_by_hand(rates: list[float], p_safe: list[float], boundary: float) -> None:
    assert decision_boundary(np.array(rates), np.array(p_safe)) == pytest.approx(boundary)


@given(
    rates=st.lists(st.floats(0.01, 10.0), min_size=2, max_size=20, unique=True),
    scale=st.floats(0.1, 10.0),
    seed=st.integers(0, 100),
)
def test_costs_in_units_of_the_boundary_have_no_other_unit(
    rates: list[float], scale: float, seed: int
) -> None:
    """Whatever the models' own scale is, it divides out; and the boundary is among the segments."""
    values = np.array(rates)
    labels = np.random.default_rng(seed).integers(0, 2, len(values)).astype(float)
    labels[:2] = 0.0, 1.0
    boundary = decision_boundary(values, labels)
    assert decision_boundary(scale * values, labels) == pytest.approx(scale * boundary)
    assert values.min() <= boundary <= values.max()


def labels_of(p_safe: list[float]) -> SegmentLabels:
    """Segments of 2, 3 and 1 steps in episodes of 3 and 4."""
    feedback = lone_feedback(
        [(10, 1, 2), (11, 0, 3), (11, 3, 1)], p_safe, [(0, 1), (1, 2)], [1.0, 0.0]
    )
    return make_labels(flat_transitions([3, 4], [10, 11]), feedback, th.device("cpu"))


def test_means_over_segments_by_hand() -> None:
    values = th.tensor([9.0, 1.0, 2.0, 3.0, 4.0, 8.0, 7.0])
    assert segment_means(values, labels_of([NAN] * 3)).tolist() == [1.5, 5.0, 7.0]


def test_what_is_said_of_held_out_labels() -> None:
    """Returns are 3, 15 and 7 (so both preferences are predicted wrong), costs 2, 1 and .5."""
    outcomes = th.tensor([[9.0, 1.0, 2.0, 3.0, 4.0, 8.0, 7.0], [9.0, 3.0, 1.0, 0.0, 2.0, 1.0, 0.5]])
    metrics = held_out_metrics(outcomes, labels_of([1.0, 1.0, 0.0]))
    assert metrics == {
        "preference_accuracy": 0.0,
        "safety_accuracy": pytest.approx(1 / 3),
        "safety_auc": 0.0,
    }
    assert "safety_auc" not in held_out_metrics(outcomes, labels_of([1.0, NAN, 1.0]))
    assert held_out_metrics(outcomes, labels_of([0.0, NAN, 1.0]))["safety_accuracy"] == 1.0
