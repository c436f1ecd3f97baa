"""Comparisons that follow from others."""

import itertools
from typing import Any

import numpy as np
import pytest
from annotation_desk import transitions
from hypothesis import given, settings
from hypothesis import strategies as st

from sb3_presa.annotation.consensus import implied as implied_comparisons
from sb3_presa.annotation.consensus.implied import with_implied
from sb3_presa.completion.label_models import ERROR_RATE, fit_comparisons, sigmoid
from sb3_presa.feedback import Feedback

DATA = transitions()


def compared(pairs: list[tuple[int, int]], preferences: list[float]) -> Feedback:
    n = max(max(pair) for pair in pairs) + 1
    return Feedback.create(DATA, [(row, 0, 10) for row in range(n)], None, pairs, preferences)


def implied(found: Feedback, n: int) -> dict[tuple[int, int], float]:
    return {
        (int(one), int(other)): float(preference)
        for (one, other), preference in zip(
            found.comparisons[n:], found.preferences[n:], strict=True
        )
    }


def test_what_follows_is_more_certain_the_further_apart() -> None:
    chain = [(0, 1), (1, 2), (2, 3), (3, 4)]
    feedback = compared([*chain, *chain, (5, 6)], [1.0] * 9)
    found = with_implied(feedback)
    new = implied(found, 9)
    assert set(new) <= {
        (0, 2),
        (0, 3),
        (0, 4),
        (1, 3),
        (1, 4),
        (2, 4),
    }  # not of what no chain joins
    assert {(0, 3), (0, 4), (1, 4)} <= set(new)
    assert all(0.75 <= preference < 1.0 for preference in new.values())
    assert new[0, 4] > new[0, 3]
    assert found.provenance["implied"] == len(new)
    assert found.comparisons[:9].tolist() == feedback.comparisons.tolist()
    assert found.preferences[:9].tolist() == feedback.preferences.tolist()


def test_a_chain_of_single_answers_is_doubted() -> None:
    new = implied(with_implied(compared([(0, 1), (1, 2)], [1.0, 1.0])), 2)
    assert set(new) == {(0, 2)}
    assert 0.75 < new[0, 2] < 0.85


def test_ties_and_contradictions_imply_nothing() -> None:
    ties = with_implied(compared([(0, 1), (1, 2), (2, 3)], [0.5] * 3))
    assert implied(ties, 3) == {}
    circle = with_implied(compared([(0, 1), (1, 2), (2, 0), (2, 3), (3, 2)], [1.0] * 5))
    assert implied(circle, 5) == {}


def test_segments_that_no_chain_joins_are_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if all scores were fitted at once, which took a minute for 1,000 comparisons."""
    random = np.random.default_rng(0)
    names = random.permutation(30).tolist()  # three sets of eight, and three comparisons alone
    pairs = [(names[n], names[n + 1]) for n in (24, 26, 28)]
    for begin in (0, 8, 16):
        rows = [(begin + n, begin + n + 1) for n in range(7)]
        rows += [tuple(begin + random.choice(8, 2, replace=False)) for _ in range(14)]
        pairs += [(names[one], names[other]) for one, other in rows]
    preferences = [float(one > other) for one, other in pairs]
    preferences[-1] = 1.0 - preferences[-1]
    sizes = []

    def fit(differences: Any, *arguments: Any) -> Any:
        sizes.append(differences.shape[1])
        return fit_comparisons(differences, *arguments)

    monkeypatch.setattr(implied_comparisons, "fit_comparisons", fit)
    found = with_implied(compared(pairs, preferences))
    assert sizes == [8, 8, 8]

    # The same of one matrix of all
    differences = np.eye(30)[[one for one, _ in pairs]] - np.eye(30)[[other for _, other in pairs]]
    scores = fit_comparisons(differences, np.array(preferences), 3.0**-2)
    chance = sigmoid(differences @ scores)
    weights = chance * (1.0 - chance) * (1.0 - 2.0 * ERROR_RATE) ** 2
    covariance = np.linalg.inv(differences.T * weights @ differences + np.eye(30) * 3.0**-2)
    sets = [set(names[begin : begin + 8]) for begin in (0, 8, 16)]
    known = {tuple(sorted(pair)) for pair in pairs}
    expected = {}
    for pair in itertools.combinations(range(30), 2):
        if pair not in known and any(set(pair) <= members for members in sets):
            side = np.eye(30)[pair[0]] - np.eye(30)[pair[1]]
            spread = 1.0 + np.pi * (side @ covariance @ side) / 8.0
            expected[pair] = float(sigmoid(side @ scores / np.sqrt(spread)))
    certain = {pair: p for pair, p in expected.items() if abs(p - 0.5) >= 0.25}
    assert len(certain) > 10
    new = implied(found, len(pairs))
    assert list(new) == list(certain)  # in the same order, on which a choice depends
    np.testing.assert_allclose(list(new.values()), list(certain.values()), atol=1e-3)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_the_order_of_a_pair_does_not_matter(seed: int) -> None:
    random = np.random.default_rng(seed)
    pairs = [tuple(random.choice(8, 2, replace=False).tolist()) for _ in range(20)]
    said = random.integers(0, 2, 20).astype(float).tolist()
    one = with_implied(compared([*pairs, (0, 8)], [*said, 1.0]))
    turned = with_implied(
        compared([*[(b, a) for a, b in pairs], (0, 8)], [*[1 - x for x in said], 1.0])
    )
    np.testing.assert_allclose(one.preferences[21:], turned.preferences[21:], atol=1e-4)
