"""What the reference clones: everything, or what labels call safe and what won, most."""

from typing import Any

import numpy as np
import pytest
import torch as th
from algorithm_data import (  # noqa: F401
    TINY_STEPS,
    assert_same_weights,
    flat_transitions,
    learn_quietly,
    lone_feedback,
    one_thread,
    random_dataset,
    tiny_feedback,
)
from contract import PRESA_CASE
from hypothesis import given
from hypothesis import strategies as st
from minari import MinariDataset

from sb3_presa.benchmark.engine.shared_cloning import Seconds, SharedClones
from sb3_presa.errors import ConfigError
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.acceptable import share_acceptable, share_won
from sb3_presa.learning.source import make_labels

N = 20
CPU = th.device("cpu")
CLONING_STEPS = PRESA_CASE.settings["n_cloning_steps"]

#: first step, length and P(safe) of segments of one episode
labelled = st.lists(
    st.tuples(st.integers(0, N - 1), st.integers(1, N), st.sampled_from([0.0, 1.0, 0.3, np.nan])),
    max_size=6,
)


def labels_of(segments: list[tuple[int, int, float]]) -> Any:
    rows = [(0, start, min(length, N - start)) for start, length, _ in segments]
    transitions = flat_transitions([N], [0])
    return make_labels(transitions, lone_feedback(rows, [p for *_, p in segments]), CPU)


@given(labelled, labelled)
def test_a_transition_is_as_acceptable_as_its_labels_say(
    training: list[tuple[int, int, float]], held_out: list[tuple[int, int, float]]
) -> None:
    share = share_acceptable(labels_of(training), N, labels_of(held_out))

    def on(segments: list[tuple[int, int, float]], step: int) -> list[float]:
        return [p for s, n, p in segments if s <= step < s + n and not np.isnan(p)]

    for step in range(N):
        known = on(training, step)
        expected = np.mean(known) if known else float(not on(held_out, step))
        assert float(share[step]) == pytest.approx(expected, abs=1e-6)
        if known and max(known) == 0.0:
            assert float(share[step]) == 0.0, "what all call unsafe is never drawn"


@given(labelled, st.data())
def test_a_transition_has_won_what_its_segments_won(
    segments: list[tuple[int, int, float]], data: st.DataObject
) -> None:
    rows = [(0, start, min(length, N - start)) for start, length, _ in segments]
    two = st.permutations(range(len(rows))).map(lambda order: tuple(order[:2]))
    pairs = data.draw(st.lists(two, max_size=6)) if len(rows) > 1 else []
    result = st.sampled_from([0.0, 0.5, 1.0])
    results = data.draw(st.lists(result, min_size=len(pairs), max_size=len(pairs)))
    feedback = lone_feedback(rows, [p for *_, p in segments], pairs, results)
    share = share_won(make_labels(flat_transitions([N], [0]), feedback, CPU), N)

    for step in range(N):
        won = [
            result_of
            for (first, second), q in zip(pairs, results, strict=True)
            for segment, result_of in ((first, q), (second, 1.0 - q))
            if rows[segment][1] <= step < rows[segment][1] + rows[segment][2]
        ]
        assert float(share[step]) == pytest.approx(np.mean(won) if won else 0.5, abs=1e-6)


def whole_episodes(dataset: MinariDataset, p_safe: list[float]) -> Feedback:
    episodes = list(dataset.iterate_episodes())
    segments = [(e.id, 0, len(e.actions)) for e in episodes[: len(p_safe)]]
    pairs = [(i, i + 1) for i in range(len(p_safe) - 1)]
    return Feedback.create(dataset, segments, p_safe, pairs, [1.0] * len(pairs))


@pytest.mark.filterwarnings("ignore:`total_timesteps` should")
def test_what_is_called_unsafe_is_not_cloned(box_dataset: MinariDataset) -> None:
    """The clone is the same, bit for bit, whatever was done in the unsafe episodes."""
    feedback = whole_episodes(box_dataset, [1.0, 0.0, 1.0])  # and of the others nobody says
    cases = ((0.0, True, True), (0.0, False, True), (0.1, False, False), (1.0, True, False))
    for weight, clone_winners, alike in cases:
        settings = {"unsafe_cloning_weight": weight, "clone_winners": clone_winners}
        one, other = (PRESA_CASE.make(box_dataset, feedback, **settings) for _ in range(2))
        unsafe = slice(int(other.source.training.starts[1]), int(other.source.training.starts[2]))
        other.source.actions[unsafe] = 0.9
        for model in (one, other):
            learn_quietly(model, CLONING_STEPS)
        same = all(
            th.equal(a, b)
            for a, b in zip(one.policy.parameters(), other.policy.parameters(), strict=True)
        )
        assert same == alike


@pytest.mark.parametrize("weight", [0.0, 0.1])
@pytest.mark.filterwarnings("ignore:`total_timesteps` should")
def test_unsafe_labels_everywhere_are_warned_of(weight: float, box_dataset: MinariDataset) -> None:
    feedback = whole_episodes(box_dataset, [0.0] * int(box_dataset.total_episodes))
    with pytest.warns(UserWarning, match="falls back to cloning all transitions") as caught:
        cloned = PRESA_CASE.make(box_dataset, feedback, unsafe_cloning_weight=weight)
        learn_quietly(cloned, CLONING_STEPS)
    assert sum("falls back" in str(warning.message) for warning in caught) == 1
    everything = PRESA_CASE.make(box_dataset, feedback, unsafe_cloning_weight=1.0)
    learn_quietly(everything, CLONING_STEPS)
    assert_same_weights(cloned, everything)


def test_a_weight_out_of_its_range_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"`unsafe_cloning_weight` must be in \[0, 1\], got 1.5"):
        PRESA_CASE.algorithm(unsafe_cloning_weight=1.5)


@pytest.mark.parametrize(
    ("clone_winners", "expected"), [(False, [1.0, 0.1, 0.55]), (True, [1.9, 0.1, 0.1])]
)
def test_each_transition_has_its_weight(
    clone_winners: bool, expected: list[float], box_dataset: MinariDataset
) -> None:
    """A tenth where it is called unsafe or lost; 1 where it is safe, twice that where it won."""
    model = PRESA_CASE.make(
        box_dataset,
        whole_episodes(box_dataset, [1.0, 0.0, 0.5]),  # the first beats the second, that the third
        unsafe_cloning_weight=0.1,
        clone_winners=clone_winners,
    )
    safe, weights = (
        phase.rows.mass.diff(prepend=th.zeros(1, dtype=th.double)) for phase in model.phases()[:2]
    )
    starts, lengths = model.source.training.starts, model.source.training.lengths
    for segment, weight in enumerate([1.0, 0.1, 0.55]):  # cloned first, won or not
        rows = slice(int(starts[segment]), int(starts[segment] + lengths[segment]))
        th.testing.assert_close(safe[rows], th.full_like(safe[rows], weight))
    for segment, weight in enumerate(expected):
        rows = slice(int(starts[segment]), int(starts[segment] + lengths[segment]))
        th.testing.assert_close(weights[rows], th.full_like(weights[rows], weight))
    nobody_says = weights[int(starts[2] + lengths[2]) :]
    th.testing.assert_close(nobody_says, th.ones_like(nobody_says))


def test_safe_episodes_that_never_won_are_cloned_all_the_same(box_dataset: MinariDataset) -> None:
    n = int(box_dataset.total_episodes)
    feedback = whole_episodes(box_dataset, [0.0] * (n - 1) + [1.0])  # each beats the next
    model = PRESA_CASE.make(box_dataset, feedback, unsafe_cloning_weight=0.0, clone_winners=True)
    weights = model.phases()[1].rows.mass.diff(prepend=th.zeros(1, dtype=th.double))
    last = int(model.source.training.starts[-1])
    assert bool((weights[:last] == 0.0).all())
    assert bool((weights[last:] == 1.0).all())


@pytest.mark.filterwarnings("ignore")
def test_clones_of_other_labels_are_not_shared(box_dataset: MinariDataset) -> None:
    clones = SharedClones()

    def agent(labels_seed: int) -> Any:
        labels = tiny_feedback(box_dataset, seed=labels_seed)
        return PRESA_CASE.make(box_dataset, labels, unsafe_cloning_weight=0.0)

    assert clones.learn(agent(0), "box", TINY_STEPS) == Seconds()
    assert clones.learn(agent(1), "box", TINY_STEPS) == Seconds()
    shared, alone = agent(0), agent(0)
    assert clones.learn(shared, "box", TINY_STEPS) > Seconds()
    alone.learn(TINY_STEPS)
    assert_same_weights(shared, alone)
