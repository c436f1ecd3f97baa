"""Labels that are held out: by episode, none leaks, none is lost."""

from typing import Any

import numpy as np
import pytest
from algorithm_data import lone_feedback
from hypothesis import given
from hypothesis import strategies as st
from minari import MinariDataset

from sb3_presa import CPL, PRESA, SafeRLHF
from sb3_presa.errors import FeedbackError
from sb3_presa.feedback.holdout import split_feedback
from sb3_presa.feedback.table import Feedback

Label = tuple[object, ...]


@st.composite
def patchy_feedback(draw: st.DrawFn) -> Feedback:
    """Up to 12 segments of up to 5 episodes, each labelled or not, compared or not."""
    n_segments = draw(st.integers(1, 12))
    # the start tells segments apart, so that labels can be followed through the split
    segments = [(draw(st.integers(0, 4)), start, 3) for start in range(n_segments)]
    p_safe = [draw(st.sampled_from([0.0, 0.25, 1.0, np.nan])) for _ in segments]
    pair = st.tuples(st.integers(0, n_segments - 1), st.integers(0, n_segments - 1))
    comparisons = draw(st.lists(pair.filter(lambda rows: rows[0] != rows[1]), max_size=8))
    preferences = [draw(st.sampled_from([0.0, 0.5, 1.0])) for _ in comparisons]
    return lone_feedback(segments, p_safe, comparisons, preferences)


def labels_of(feedback: Feedback) -> list[Label]:
    """Every label with the segments that it is on, whatever the rows' numbers."""
    rows = [tuple(row) for row in feedback.segments.tolist()]
    safety: list[Label] = [
        (row, p) for row, p in zip(rows, feedback.p_safe.tolist(), strict=True) if not np.isnan(p)
    ]
    preferences: list[Label] = [
        (rows[first], rows[second], preference)
        for (first, second), preference in zip(
            feedback.comparisons.tolist(), feedback.preferences.tolist(), strict=True
        )
    ]
    return sorted(safety + preferences, key=repr)


@given(feedback=patchy_feedback(), fraction=st.floats(0, 0.99), seed=st.integers(0, 2**32 - 1))
def test_no_label_is_lost_or_on_both_sides(feedback: Feedback, fraction: float, seed: int) -> None:
    training, held_out = split_feedback(feedback, fraction, seed)
    both = labels_of(training) + labels_of(held_out)
    assert sorted(both, key=repr) == labels_of(feedback)


@given(feedback=patchy_feedback(), fraction=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_nothing_is_trained_on_of_an_episode_that_is_held_out(
    feedback: Feedback, fraction: float, seed: int
) -> None:
    """Held-out safety labels and trained labels have no episode in common, and a held-out
    comparison has at least one episode that nothing is trained on."""
    training, held_out = split_feedback(feedback, fraction, seed)
    trained_rows = set(training.comparisons.ravel().tolist())
    trained_rows |= set(np.flatnonzero(~np.isnan(training.p_safe)).tolist())
    trained = {int(training.segments[row, 0]) for row in trained_rows}
    labelled = held_out.segments[~np.isnan(held_out.p_safe), 0]
    assert trained.isdisjoint(labelled.tolist())
    for rows in held_out.comparisons:
        assert not trained.issuperset(held_out.segments[rows, 0].tolist())


@given(feedback=patchy_feedback(), seed=st.integers(0, 99))
def test_fraction_zero_loses_nothing(feedback: Feedback, seed: int) -> None:
    training, held_out = split_feedback(feedback, 0.0, seed)
    assert labels_of(training) == labels_of(feedback)
    assert labels_of(held_out) == []


def many_labels() -> Feedback:
    random = np.random.default_rng(0)
    n_episodes = 400
    segments = np.stack([np.arange(1200) % n_episodes, np.arange(1200), np.full(1200, 3)], axis=1)
    comparisons = np.stack([np.arange(1200), (np.arange(1200) + 157) % 1200], axis=1)
    p_safe = np.where(random.random(1200) < 0.3, np.nan, random.integers(0, 2, 1200))
    return lone_feedback(segments, p_safe, comparisons, random.integers(0, 2, 1200))


def test_the_share_of_labels_held_out_is_as_asked() -> None:
    """The last episode drawn overshoots by its own labels at most (here 9 of 2,000)."""
    feedback = many_labels()
    n_labels = len(labels_of(feedback))
    for fraction in (0.05, 0.1, 0.5, 0.9):
        for seed in range(5):
            _, held_out = split_feedback(feedback, fraction, seed)
            share = len(labels_of(held_out)) / n_labels
            assert fraction <= share <= fraction + 0.01


def test_the_seed_decides_what_is_held_out() -> None:
    feedback = many_labels()
    first, again, other = (split_feedback(feedback, 0.1, seed)[1] for seed in (3, 3, 4))
    assert labels_of(first) == labels_of(again)
    assert labels_of(first) != labels_of(other)


@pytest.mark.parametrize("algorithm", [CPL, PRESA, SafeRLHF])
def test_held_out_labels_leave_some(algorithm: Any, box_dataset: MinariDataset) -> None:
    """Comparisons across two episodes: whichever is held out, all are."""
    pairs = [(i, 10 + i) for i in range(10)]
    segments = [(episode, start, 3) for episode in (0, 1) for start in range(10)]
    feedback = Feedback.create(box_dataset, segments, [1.0, 0.0] * 10, pairs, [1.0] * 10)
    with pytest.raises(
        FeedbackError,
        match=r"`validation_fraction` must leave some of the 10 comparisons .* got 0.1",
    ):
        algorithm.load_offline(box_dataset, feedback, validation_fraction=0.1, device="cpu")
    one = Feedback.create(box_dataset, segments[:10], [1.0, 0.0] * 5, [(0, 1)], [1.0])
    with pytest.warns(UserWarning, match="`validation_fraction` is 0.1, but no label is held out"):
        algorithm.load_offline(box_dataset, one, validation_fraction=0.1, device="cpu")
