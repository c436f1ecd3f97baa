"""The losses against numbers worked out by hand, finite differences and toys."""

import math

import pytest
import torch as th
from algorithm_data import one_thread  # noqa: F401
from hypothesis import given
from hypothesis import strategies as st

from sb3_presa.learning import losses

UTILITIES = st.floats(-30, 30, width=32)
PROBABILITIES = st.floats(0, 1, width=32)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


# --- log-ratios of segments -----------------------------------------------------------------


def test_discounted_length_is_the_sum_of_discounts() -> None:
    lengths = th.tensor([1, 3, 4])
    assert losses.discounted_length(lengths, 0.5).tolist() == [1.0, 1.75, 1.875]
    assert losses.discounted_length(lengths, 1.0).tolist() == [1.0, 3.0, 4.0]
    assert losses.discounted_length(lengths, 1 - 1e-16).tolist() == [1.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("gamma", "normalize", "expected"),
    [
        (1.0, False, [6.0, 2.0]),
        (0.5, False, [1 + 2 * 0.5 + 3 * 0.25, 2.0]),
        (1.0, True, [100 * 6 / 3, 100 * 2.0]),
        (0.5, True, [100 * 2.75 / 1.75, 100 * 2.0]),
    ],
)
def test_log_ratio_of_whole_segments(gamma: float, normalize: bool, expected: list[float]) -> None:
    """Lengths 3 and 1; what stands behind the short one is padding and must not count."""
    r = losses.segment_log_ratio(
        th.tensor([[1.0, 2.0, 3.0], [2.0, 50.0, 50.0]]),
        th.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]),
        th.tensor([[0, 1, 2], [0, 0, 0]]),
        th.tensor([3, 1]),
        gamma,
        normalize,
    )
    assert r.tolist() == pytest.approx(expected)


def test_log_ratio_of_sampled_steps_counts_each_for_its_stratum() -> None:
    """Steps 1 and 2 stand for two of four steps each; their discounts are their own."""
    r = losses.segment_log_ratio(
        th.tensor([[1.0, 3.0]]),
        th.tensor([[2.0, 2.0]]),
        th.tensor([[1, 2]]),
        th.tensor([4]),
        gamma=0.5,
        normalize_length=False,
    )
    assert r.item() == pytest.approx(2 * 0.5 * 1 + 2 * 0.25 * 3)


@given(length=st.integers(1, 300), gamma=st.floats(0.5, 1.0), level=st.floats(-2, 2))
def test_normalised_length_puts_all_lengths_on_one_scale(
    length: int, gamma: float, level: float
) -> None:
    r = losses.segment_log_ratio(
        th.full((length,), level),
        th.ones(length),
        th.arange(length),
        th.tensor(length),
        gamma,
        normalize_length=True,
    )
    assert r.item() == pytest.approx(losses.NORMALISED_LENGTH * level, rel=1e-3, abs=1e-3)


# --- preferences ----------------------------------------------------------------------------


def test_clipping_by_hand() -> None:
    ratios = th.tensor([2.0, 0.0, -0.2, -0.3, -9.0])
    expected = [2.0, 0.0, -0.2, math.log(0.75), math.log(0.75)]
    assert losses.clip_log_ratio(ratios, 0.25).tolist() == pytest.approx(expected)


def test_preference_loss_by_hand() -> None:
    first, second = th.tensor([0.3, 0.3, 0.3]), th.tensor([-0.2, -0.2, -0.2])
    loss = losses.preference_loss(first, second, th.tensor([1.0, 0.0, 0.25]))
    won, lost = math.log(1 + math.exp(-0.5)), math.log(1 + math.exp(0.5))
    assert won == pytest.approx(0.474077, abs=1e-6)
    assert loss.tolist() == pytest.approx([won, lost, 0.25 * won + 0.75 * lost])


def test_bias_discounts_the_segment_that_lost() -> None:
    first, second = th.tensor([0.3]), th.tensor([-0.2])
    loss = losses.preference_loss(first, second, th.tensor([1.0]), bias=0.5)
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-(0.3 + 0.5 * 0.2))))
    loss = losses.preference_loss(first, second, th.tensor([0.0]), bias=0.5)
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-(-0.2 - 0.5 * 0.3))))


def test_a_policy_that_is_its_reference_knows_nothing() -> None:
    zero, labels = th.zeros(5), th.tensor([0.0, 0.25, 0.5, 0.75, 1.0])
    assert losses.preference_loss(zero, zero, labels).tolist() == pytest.approx([math.log(2)] * 5)
    assert losses.label_probability(zero, labels).tolist() == [0.5] * 5


@given(first=UTILITIES, second=UTILITIES, preference=PROBABILITIES, bias=st.floats(0.1, 1.0))
def test_the_order_of_a_pair_does_not_matter(
    first: float, second: float, preference: float, bias: float
) -> None:
    u1, u2 = th.tensor([first], dtype=th.float64), th.tensor([second], dtype=th.float64)
    q = th.tensor([preference], dtype=th.float64)
    given_order = losses.preference_loss(u1, u2, q, bias)
    turned_round = losses.preference_loss(u2, u1, 1 - q, bias)
    assert given_order.item() == pytest.approx(turned_round.item(), rel=1e-9, abs=1e-12)
    assert 0.0 <= given_order.item() < math.inf


@given(first=UTILITIES, second=UTILITIES)
def test_a_tie_is_best_met_by_equal_utilities(first: float, second: float) -> None:
    tie = th.tensor([0.5])
    loss = losses.preference_loss(th.tensor([first]), th.tensor([second]), tie)
    assert loss.item() >= math.log(2) - 1e-6


# --- safety ---------------------------------------------------------------------------------


def test_label_probability_by_hand() -> None:
    utility = th.tensor([0.8, 0.8, 0.8, -2.0])
    p_safe = th.tensor([1.0, 0.0, 0.25, 0.0])
    right = [sigmoid(0.8), sigmoid(-0.8), 0.25 * sigmoid(0.8) + 0.75 * sigmoid(-0.8), sigmoid(2.0)]
    assert losses.label_probability(utility, p_safe).tolist() == pytest.approx(right)


def test_expectations_by_hand() -> None:
    """Two safe, one unsafe, one unsure, and one without a label, which must not count."""
    probability = th.tensor([0.9, 0.7, 0.4, 0.6, 0.123])
    p_safe = th.tensor([1.0, 1.0, 0.0, 0.5, 0.5])
    labelled = th.tensor([1.0, 1.0, 1.0, 1.0, 0.0])

    def expected(unsafe_weight: float | None) -> float:
        return losses.expected_label_probability(
            probability, p_safe, labelled, unsafe_weight
        ).item()

    safe, unsafe = (0.9 + 0.7 + 0.5 * 0.6) / 2.5, (0.4 + 0.5 * 0.6) / 1.5
    assert expected(None) == pytest.approx((0.9 + 0.7 + 0.4 + 0.6) / 4)
    assert expected(0.5) == pytest.approx(0.5 * safe + 0.5 * unsafe)
    assert expected(2 / 3) == pytest.approx(safe / 3 + 2 * unsafe / 3)


@pytest.mark.parametrize("unsafe_weight", [0.1, 2 / 3])
@pytest.mark.parametrize("missing", ["safe", "unsafe"])
def test_a_missing_class_leaves_its_share_to_the_other(unsafe_weight: float, missing: str) -> None:
    probability = th.tensor([0.9, 0.7, 0.2])
    p_safe = th.full((3,), 0.0 if missing == "safe" else 1.0)
    labelled = th.tensor([1.0, 1.0, 0.0])
    expected = losses.expected_label_probability(probability, p_safe, labelled, unsafe_weight)
    assert expected.item() == pytest.approx(0.8)


@pytest.mark.parametrize("unsafe_weight", [None, 2 / 3])
def test_a_batch_without_labels_is_finite_and_pulls_nowhere(unsafe_weight: float | None) -> None:
    probability = th.tensor([0.9, 0.7], requires_grad=True)
    expected = losses.expected_label_probability(
        probability, th.tensor([0.5, 0.5]), th.zeros(2), unsafe_weight
    )
    expected.backward()
    assert expected.item() == 0.0
    assert probability.grad is not None
    assert probability.grad.tolist() == [0.0, 0.0]


# --- gradients ------------------------------------------------------------------------------


def double(*values: float) -> th.Tensor:
    return th.tensor(values, dtype=th.float64, requires_grad=True)


@pytest.mark.parametrize("gamma", [0.9, 1.0])
@pytest.mark.parametrize("normalize_length", [False, True])
def test_gradient_of_the_log_ratio(gamma: float, normalize_length: bool) -> None:
    weights, positions = th.tensor([1.5, 1.5], dtype=th.float64), th.tensor([0, 2])
    assert th.autograd.gradcheck(
        lambda x: losses.segment_log_ratio(
            x, weights, positions, th.tensor(3), gamma, normalize_length
        ),
        double(0.4, -1.2),
    )


@pytest.mark.parametrize("bias", [0.5, 1.0])
def test_gradient_of_the_preference_loss(bias: float) -> None:
    labels = th.tensor([1.0, 0.0, 0.5, 0.3], dtype=th.float64)
    assert th.autograd.gradcheck(
        lambda u1, u2: losses.preference_loss(u1, u2, labels, bias),
        (double(0.3, -1.0, 2.0, 0.0), double(0.1, 1.5, -2.0, 0.0)),
    )


@pytest.mark.parametrize("unsafe_weight", [None, 0.3])
def test_gradient_of_the_lagrangian_through_the_constraint(unsafe_weight: float | None) -> None:
    p_safe = th.tensor([1.0, 0.0, 0.7, 0.5], dtype=th.float64)
    labelled = th.tensor([1.0, 1.0, 1.0, 0.0], dtype=th.float64)

    def loss(utility: th.Tensor, preference: th.Tensor) -> th.Tensor:
        probability = losses.label_probability(utility, p_safe)
        expected = losses.expected_label_probability(probability, p_safe, labelled, unsafe_weight)
        nu, delta = th.tensor(1.7, dtype=th.float64), th.tensor(0.9, dtype=th.float64)
        return losses.lagrangian(preference.sum(), expected, nu, delta)

    assert th.autograd.gradcheck(loss, (double(0.4, 0.2, -1.0, 3.0), double(0.6)))


def test_lagrangian_by_hand_and_no_gradient_to_the_multiplier() -> None:
    nu = th.tensor(3.0, requires_grad=True)
    loss = losses.lagrangian(th.tensor(0.5, requires_grad=True), th.tensor(0.6), nu, th.tensor(0.9))
    loss.backward()
    assert loss.item() == pytest.approx((0.5 + 3 * 0.3) / 4)
    assert nu.grad is None


# --- the multiplier -------------------------------------------------------------------------


def test_dual_ascent_by_hand() -> None:
    def step(nu: float, probability: float) -> float:
        return losses.dual_ascent(
            th.tensor(nu), th.tensor(probability), th.tensor(0.9), 0.5, 2.0
        ).item()

    assert step(1.0, 0.7) == pytest.approx(1.1)
    assert step(1.0, 1.0) == pytest.approx(0.95)
    assert step(0.01, 1.0) == 0.0
    assert step(1.99, 0.5) == 2.0


def play(p_safe: list[float], segments: list[int], steps: int) -> list[float]:
    """The multiplier over a run in which each segment's utility is a free parameter."""
    utility = th.zeros(max(segments) + 1, requires_grad=True)
    optimizer = th.optim.SGD([utility], lr=1.0)
    labels = th.tensor(p_safe)
    nu, delta, history = th.tensor(1.0), th.tensor(0.9), []
    for _ in range(steps):
        probability = losses.label_probability(utility[segments], labels)
        expected = losses.expected_label_probability(
            probability, labels, th.ones_like(labels), unsafe_weight=0.5
        )
        optimizer.zero_grad()
        losses.lagrangian(th.tensor(0.0), expected, nu, delta).backward()
        optimizer.step()
        nu = losses.dual_ascent(nu, expected, delta, learning_rate=0.1, maximum=5.0)
        history.append(nu.item())
    return history


def test_labels_that_can_be_met_drive_the_multiplier_to_zero() -> None:
    history = play([1.0, 1.0, 0.0, 0.0], segments=[0, 1, 2, 3], steps=1000)
    assert max(history) > 1.0, "it must have had to rise first"
    assert history[-1] == 0.0


def test_contradictory_labels_drive_the_multiplier_to_its_cap_and_not_beyond() -> None:
    history = play([1.0, 0.0, 1.0, 0.0], segments=[0, 0, 1, 1], steps=300)
    assert history[-1] == 5.0
    assert max(history) == 5.0
