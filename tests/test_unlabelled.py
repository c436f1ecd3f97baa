"""What no label covers is cloned; where labels cover everything, nothing changes."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch as th
from algorithm_data import (
    TINY_STEPS,
    alignment_of,
    assert_equal_results,
    assert_same_weights,
    flat_transitions,
    learn_quietly,
    lone_feedback,
    loss_of,
)
from contract import PRESA_CASE
from hypothesis import given
from hypothesis import strategies as st
from minari import MinariDataset

from sb3_presa import learn_many
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.source import make_labels
from sb3_presa.learning.unlabelled import add_unlabelled

CPU = th.device("cpu")
NAN = float("nan")


@st.composite
def patchy(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, int, int]], list[float]]:
    """Lengths of episodes, segments of them, and labels of which some are missing."""
    lengths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=6))
    segments = []
    for _ in range(draw(st.integers(1, 8))):
        episode = draw(st.integers(0, len(lengths) - 1))
        start = draw(st.integers(0, lengths[episode] - 1))
        segments.append((episode, start, draw(st.integers(1, lengths[episode] - start))))
    labels = st.sampled_from([0.0, 1.0, 0.3, NAN])
    return lengths, segments, draw(st.lists(labels, min_size=len(segments), max_size=len(segments)))


@given(patchy())
def test_each_transition_has_a_label_or_is_in_one_added_stretch(
    case: tuple[list[int], list[tuple[int, int, int]], list[float]],
) -> None:
    lengths, segments, p_safe = case
    transitions = flat_transitions(lengths, list(range(len(lengths))))
    labels = make_labels(transitions, lone_feedback(segments, p_safe), CPU)
    n = sum(lengths)
    added = add_unlabelled(labels, transitions.episode_starts, n)
    old = len(labels.starts)
    counts = np.zeros(n, dtype=int)
    for row in [*labels.pairs[labels.has_label].unique().tolist(), *range(old, len(added.starts))]:
        start, length = int(added.starts[row]), int(added.lengths[row])
        counts[start : start + length] += 1
        if row >= old:
            assert counts[start : start + length].max() == 1, "it has a label, or is there twice"
            assert length <= labels.max_length
            episode = np.searchsorted(transitions.episode_starts, start, side="right") - 1
            assert start + length <= transitions.episode_starts[episode] + lengths[episode]
    if labels.has_label.any():
        assert counts.min() > 0
        assert added.unlabelled_share == pytest.approx(int(added.lengths[old:].sum()) / n)
        assert not added.has_label[len(labels.pairs) :].any()
        assert set(added.pairs[len(labels.pairs) :].unique().tolist()) == {
            *range(old, len(added.starts))
        }
    else:
        assert added is labels


def few_labels(dataset: MinariDataset) -> Feedback:
    """Of the first three of the episodes."""
    segments = [(0, 0, 8), (0, 9, 8), (1, 2, 8), (2, 0, 8)]
    return Feedback.create(dataset, segments, [1.0, 0.0, 1.0, 0.0], [(0, 1), (2, 3)], [1.0, 0.2])


def every_label(dataset: MinariDataset) -> Feedback:
    """A label of every episode, whole."""
    episodes = list(dataset.iterate_episodes())
    segments = [(episode.id, 0, len(episode.actions)) for episode in episodes]
    p_safe = np.resize([1.0, 0.0, 1.0], len(segments))
    pairs = [(i, i + 1) for i in range(len(segments) - 1)]
    return Feedback.create(dataset, segments, p_safe, pairs, np.resize([1.0, 0.0], len(pairs)))


def make(dataset: MinariDataset, feedback: Feedback, **changes: Any) -> Any:
    settings = {"n_pairs": 8, "precision": "float32", "unlabelled_coef": 3.0}
    return PRESA_CASE.make(dataset, feedback, **(settings | changes))


def test_nothing_changes_where_labels_cover_everything(box_dataset: MinariDataset) -> None:
    labels = every_label(box_dataset)
    one, other = (
        learn_quietly(make(box_dataset, labels, unlabelled_coef=coef), TINY_STEPS)
        for coef in (3.0, 0.0)
    )
    assert_same_weights(one, other)


def test_labels_that_are_held_out_cover_what_they_are_on(box_dataset: MinariDataset) -> None:
    model = make(box_dataset, every_label(box_dataset), validation_fraction=0.5)
    assert len(model.source.held_out.pairs) > 0
    assert model.source.training.unlabelled_share == 0.0


def test_how_much_has_no_label_is_of_the_data_and_not_of_the_agent(
    box_dataset: MinariDataset,
) -> None:
    model = make(box_dataset, few_labels(box_dataset))
    share = float(model.objective.unlabelled_share)
    assert share == pytest.approx(model.source.training.unlabelled_share) and share > 0.5
    model.set_parameters(make(box_dataset, every_label(box_dataset)).get_parameters())
    assert float(model.objective.unlabelled_share) == share


def test_a_share_of_each_minibatch_has_no_label(box_dataset: MinariDataset) -> None:
    """A quarter of the pairs, times the share of the data that no label covers."""
    for labels in (few_labels(box_dataset), every_label(box_dataset)):
        model = make(box_dataset, labels, n_pairs=16)
        training = model.source.training
        rows = alignment_of(model).pairs.draw(th.Generator().manual_seed(0))
        wanted = round(16 * 0.25 * training.unlabelled_share)
        assert len(rows) == 16
        assert int((~training.has_label[rows]).sum()) == wanted


def test_what_has_no_label_stays_likely(box_dataset: MinariDataset) -> None:
    """A policy that few labels would drive from the data stays with them elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log_prob = {}
        for coef in (0.0, 10.0):
            model = make(
                box_dataset,
                few_labels(box_dataset),
                unlabelled_coef=coef,
                alpha=1.0,
                learning_rate=1e-2,
                n_cloning_steps=50,
            )
            model.learn(250)
            assert model.source.training.unlabelled_share > 0.5 or coef == 0.0
            rows = th.arange(3 * 20, model.source.n_transitions)  # beyond the labelled episodes
            with th.no_grad():
                log_prob[coef] = model.policy.actor.log_prob(*model.source.gather(rows)).mean()
    assert log_prob[10.0] > log_prob[0.0] + 0.05, log_prob


def test_the_term_is_the_cloning_loss_times_the_share(box_dataset: MinariDataset) -> None:
    feedback = few_labels(box_dataset)
    model = learn_quietly(make(box_dataset, feedback, n_segment_steps=64), TINY_STEPS)
    labels = model.source.training
    rows = (~labels.has_label).nonzero().flatten()
    with th.no_grad():
        batch = alignment_of(model).evaluate(th.cat([th.tensor([0, 1]), rows]))
        _, metrics = loss_of(model, batch)
        everything = model.policy.actor.log_prob(
            *model.source.gather(th.arange(model.source.n_transitions))
        )
    free = th.ones(model.source.n_transitions, dtype=th.bool)
    for start in labels.starts[:4].tolist():
        free[start : start + 8] = False
    twin = len(labels.pairs[rows].unique()) % 2  # an odd number of stretches: one counts twice
    expected = -(everything * free).mean()
    assert metrics["unlabelled_loss"].item() == pytest.approx(
        expected.item(), rel=0.05 * twin + 1e-4
    )


def test_together_as_alone(box_dataset: MinariDataset) -> None:
    """Models with labels of little and of all."""
    feedback = [few_labels(box_dataset), every_label(box_dataset)]
    together, alone = ([make(box_dataset, f) for f in feedback] for _ in range(2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        learn_many(together, 30)
        assert_equal_results(together, [model.learn(30) for model in alone])
