"""Accuracy is of labels that models have not seen, whatever the labels are on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import recorded, write
from minari import MinariDataset
from numpy.typing import NDArray

from sb3_presa import Feedback
from sb3_presa.completion import complete
from sb3_presa.completion.label_arrays import Labels
from sb3_presa.completion.learning_curve import learning_curve
from sb3_presa.completion.parts import N_FOLDS, are_apart, parts_of
from sb3_presa.data.episodes import load_transitions

STEPS = 20
OBSERVATIONS = gym.spaces.Box(-np.inf, np.inf, (3,), np.float32)
ACTIONS = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)


def noise(name: str, lengths: Sequence[int]) -> MinariDataset:
    """Episodes of which nothing can be known."""
    random = np.random.default_rng(0)
    return write(
        f"toy/{name}-v0",
        [recorded(random.normal(size=(n + 1, 3)), random.uniform(-1, 1, (n, 1))) for n in lengths],
        OBSERVATIONS,
        ACTIONS,
    )


def coin(n: int) -> NDArray[np.float64]:
    """As many of either answer: one that is given more often is predicted better than by chance."""
    return np.random.default_rng(1).permutation(np.arange(n) % 2).astype(np.float64)


@pytest.mark.usefixtures("minari_root")
@pytest.mark.parametrize("reference", [0, 79])
def test_coin_flips_about_one_reference_clip_are_at_chance(reference: int) -> None:
    """One clip is in every comparison, as their first row or their last."""
    dataset = noise(f"reference{reference}", [50] * 80)
    segments = [(episode, 5, STEPS) for episode in range(80)]
    pairs = [(reference, other) for other in range(80) if other != reference]
    found = complete(dataset, Feedback.create(dataset, segments, None, pairs, coin(79)))
    assert found.preference_accuracy.n == 79
    assert abs(found.preference_accuracy.value - 0.5) < 0.2
    assert not found.aligns


@pytest.mark.usefixtures("minari_root")
@pytest.mark.parametrize("n_recordings", [1, 40])
def test_coin_flips_about_one_recording_are_at_chance(n_recordings: int) -> None:
    dataset = noise(f"one{n_recordings}", [1_600] + [30] * (n_recordings - 1))
    segments = [(0, STEPS * place, STEPS) for place in range(80)]
    found = complete(dataset, Feedback.create(dataset, segments, coin(80)))
    assert found.safety_accuracy.n == found.safety_ranking.n == 80
    assert abs(found.safety_accuracy.value - 0.5) < 0.15
    assert abs(found.safety_ranking.value - 0.5) < 0.2
    assert not found.aligns


@pytest.mark.usefixtures("minari_root")
def test_what_cannot_be_held_out_has_no_accuracy() -> None:
    """One pair that was compared again and again; what was said of it stays."""
    dataset = noise("pair", [40] * 4)
    labels = Feedback.create(
        dataset, [(0, 0, STEPS), (1, 0, STEPS)], None, [(0, 1)] * 60, np.ones(60)
    )
    found = complete(dataset, labels)
    assert found.preference_accuracy.n == 0 and not found.helps and not found.aligns
    assert np.isnan(found.label_preference).all() and found.doubts == ()
    np.testing.assert_array_equal(found.corrected().preferences, labels.preferences)
    judged = replace(labels, p_safe=np.array([1.0, np.nan], dtype=np.float32))
    assert complete(dataset, judged).safety_accuracy.n == 0
    assert complete(dataset, judged).corrected().p_safe[0] == 1.0


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30)), min_size=2, max_size=40),
    st.integers(0, 1_000),
    st.data(),
)
def test_labels_that_can_be_told_apart_are_of_several_parts(
    places: list[tuple[int, int]], seed: int, data: Any
) -> None:
    """Whichever few of many episodes they are on, and whoever is compared with whom."""
    n = len(places)
    pairs = data.draw(
        st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), min_size=1, max_size=30)
    )
    pairs = [(one, other) for one, other in pairs if one != other]
    judged = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    episodes = np.array([episode for episode, _ in places])
    labels = Labels(
        starts=100 * episodes + np.array([start for _, start in places]),
        lengths=np.full(n, 5),
        episodes=episodes,
        p_safe=np.where(judged, 1.0, np.nan),
        comparisons=np.array(pairs, dtype=np.int64).reshape(-1, 2),
        preferences=np.ones(len(pairs)),
    )
    parts = parts_of(labels, 50, np.random.default_rng(seed))
    assert set(parts.segments.tolist()) <= set(range(N_FOLDS))
    if judged.sum() > 1:
        assert are_apart(parts.segments[judged])
    made: dict[frozenset[int], set[int]] = {}
    for pair, part in zip(pairs, parts.comparisons.tolist(), strict=True):
        made.setdefault(frozenset(pair), set()).add(part)
    assert all(len(of_pair) == 1 for of_pair in made.values())


@pytest.mark.usefixtures("minari_root")
def test_more_answers_about_one_recording_are_not_called_useless_for_certain() -> None:
    """A forecast is uncertain where labels are, also if all are of one episode."""
    transitions = load_transitions(noise("forecast", [1_600]))
    segments = [(0, STEPS * place, STEPS) for place in range(80)]
    labels = Feedback.create(transitions, segments, coin(80))
    forecast = learning_curve(transitions, labels, 80)[0].forecast
    assert forecast is not None and forecast.high - forecast.low > 0.02


def test_parts_are_whole_episodes_where_labels_are_on_several() -> None:
    n = 60
    random = np.random.default_rng(0)
    episodes = random.integers(0, 8, n)
    labels = Labels(
        starts=100 * episodes,
        lengths=np.full(n, 5),
        episodes=episodes,
        p_safe=np.ones(n),
        comparisons=np.zeros((0, 2), dtype=np.int64),
        preferences=np.zeros(0),
    )
    parts = parts_of(labels, 8, np.random.default_rng(0)).segments
    for episode in range(8):
        assert len(set(parts[episodes == episode].tolist())) == 1
