"""The multiplier's controller, step by step."""

import math
from typing import Any

import pytest
import torch as th
from hypothesis import given
from hypothesis import strategies as st

from sb3_presa.algorithms.q_learning.pid_lagrangian import PIDLagrangian, discounted_limit
from sb3_presa.errors import ConfigError

ERRORS = st.lists(st.floats(-100.0, 100.0, width=32), min_size=1, max_size=30)


def multipliers(controller: PIDLagrangian, errors: list[float]) -> list[float]:
    found = []
    for error in errors:
        following = controller.following(th.tensor(error))
        controller.keep(following)
        found.append(following["multiplier"].item())
    return found


def test_what_follows_changes_nothing_until_it_is_kept() -> None:
    controller = PIDLagrangian((0.1, 0.01, 0.5))
    one, same = (controller.following(th.tensor(2.0)) for _ in range(2))
    assert one == same
    controller.keep(one)
    assert controller.following(th.tensor(2.0)) != same


def test_the_multiplier_by_hand() -> None:
    """Only rises count for the derivative; the integral goes 2, 3, 6, 0 (not -4), 1."""
    controller = PIDLagrangian((0.1, 0.01, 0.5))
    expected = [
        0.2 + 0.02 + 0.5 * 2,
        0.1 + 0.03,
        0.3 + 0.06 + 0.5 * 2,
        0.0,
        0.1 + 0.01 + 0.5 * 11,
    ]
    assert multipliers(controller, [2.0, 1.0, 3.0, -10.0, 1.0]) == pytest.approx(expected)


def test_a_limit_that_cannot_be_kept_is_not_remembered_for_ever() -> None:
    controller = PIDLagrangian((0.0, 0.5, 0.0), multiplier_max=2.0)
    assert multipliers(controller, [3.0] * 10)[-1] == 2.0
    assert controller.integral.item() == 4.0, "what reaches the largest multiplier, and no more"
    assert multipliers(controller, [-3.0, -3.0]) == [0.5, 0.0]


@given(errors=ERRORS, largest=st.sampled_from([0.5, 3.0, math.inf]))
def test_the_multiplier_stays_in_its_range(errors: list[float], largest: float) -> None:
    controller = PIDLagrangian((0.1, 0.03, 0.01), largest)
    assert all(0.0 <= multiplier <= largest for multiplier in multipliers(controller, errors))
    assert controller.integral.item() >= 0.0


@given(safe=st.lists(st.floats(-100.0, 0.0, width=32), max_size=30), errors=ERRORS)
def test_time_within_the_limit_is_not_saved_up(safe: list[float], errors: list[float]) -> None:
    fresh, after = PIDLagrangian((0.1, 0.03, 0.0)), PIDLagrangian((0.1, 0.03, 0.0))
    multipliers(after, safe)
    assert multipliers(after, errors) == multipliers(fresh, errors)


def test_it_goes_on_from_its_saved_state_and_forgets_when_told() -> None:
    gains = (0.1, 0.01, 0.5)
    whole, part, rest = PIDLagrangian(gains), PIDLagrangian(gains), PIDLagrangian(gains)
    expected = multipliers(whole, [2.0, 1.0, 3.0])
    multipliers(part, [2.0, 1.0])
    rest.load_state_dict(part.state_dict())
    assert multipliers(rest, [3.0]) == expected[-1:]
    rest.reset()
    assert multipliers(rest, [2.0]) == expected[:1]


@pytest.mark.parametrize(
    ("gains", "largest", "message"),
    [
        ((0.1, -0.1, 0.0), 1.0, "`pid_gains` must be three finite numbers"),
        ((0.1, 0.1), 1.0, "`pid_gains` must be three finite numbers"),
        ((0.1, 0.1, math.nan), 1.0, "`pid_gains` must be three finite numbers"),
        ((0.1, 0.1, 0.1), 0.0, "`multiplier_max` must be greater than 0"),
    ],
)
def test_arguments_out_of_their_range(gains: Any, largest: float, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PIDLagrangian(gains, largest)


def test_a_limit_is_discounted_as_if_spread_evenly() -> None:
    assert discounted_limit(10.0, 0.5, 2) == pytest.approx(5.0 * (1.0 + 0.5))
    assert discounted_limit(10.0, 1.0, 7) == pytest.approx(10.0)
    assert discounted_limit(20.0, 0.99, 100) == pytest.approx(
        0.2 * sum(0.99**t for t in range(100))
    )
