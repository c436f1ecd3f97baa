"""Segments are indices into flat transitions; what is sampled of them stands for all of them."""

import contextlib
import math
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import gymnasium as gym
import numpy as np
import pytest
import torch as th
from algorithm_data import flat_transitions, lone_feedback, one_thread  # noqa: F401
from hypothesis import given
from hypothesis import strategies as st

from sb3_presa.data.transitions import Transitions
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.offline_data import OfflineData
from sb3_presa.learning.source import (
    BatchSource,
    make_labels,
    make_source,
    observations_to_device,
)

CPU = th.device("cpu")


def make_one(transitions: Transitions, feedback: Feedback) -> BatchSource:
    data = OfflineData.of(transitions, feedback)
    return make_source(data, CPU, lambda actions: actions)


def generator(seed: int) -> th.Generator:
    return th.Generator().manual_seed(seed)


def one_episode(length: int, segments: Sequence[Sequence[int]]) -> BatchSource:
    """One episode, number 0, and segments of it."""
    feedback = lone_feedback(segments, [1.0] * len(segments))
    return make_one(flat_transitions([length], [0]), feedback)


# --- sampling -------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [generator(0), None])
def test_a_segment_that_fits_is_taken_whole(source: th.Generator | None) -> None:
    source_ = one_episode(9, [(0, 2, 4), (0, 5, 1), (0, 0, 6)])
    steps = source_.sample_steps(th.tensor([0, 1, 2]), 6, source)
    assert steps.weights.tolist() == [[1, 1, 1, 1, 0, 0], [1, 0, 0, 0, 0, 0], [1] * 6]
    assert steps.positions[0, :4].tolist() == [0, 1, 2, 3]
    assert steps.rows[0, :4].tolist() == [2, 3, 4, 5]
    assert steps.rows[1, 0].item() == 5
    assert steps.rows[2].tolist() == [0, 1, 2, 3, 4, 5]


def test_evenly_spaced_steps_are_the_middles_of_their_strata() -> None:
    source_ = one_episode(20, [(0, 3, 12)])
    steps = source_.sample_steps(th.tensor([0]), 4, None)
    assert steps.positions.tolist() == [[1, 4, 7, 10]]
    assert steps.rows.tolist() == [[4, 7, 10, 13]]
    assert steps.weights.tolist() == [[3.0] * 4]


@pytest.mark.parametrize(("length", "n_steps"), [(7, 3), (8, 4), (11, 10), (50, 1)])
def test_sums_over_long_segments_are_unbiased(length: int, n_steps: int) -> None:
    """Every step must count once on average.

    Its mean weight over 40,000 draws is within 5 standard errors of 1: by chance alone a right
    sampler would miss that for one of the 76 steps tested in 1 of 20,000 seeds.
    """
    n_draws = 40_000
    source_ = one_episode(length, [(0, 0, length)])
    steps = source_.sample_steps(th.zeros(n_draws, dtype=th.int64), n_steps, generator(1))
    weight_of_step = th.zeros(n_draws, length).scatter_add_(1, steps.positions, steps.weights)
    errors = weight_of_step.std(0) / math.sqrt(n_draws)
    assert ((weight_of_step.mean(0) - 1.0).abs() <= 5.0 * errors + 1e-6).all()
    # stratified: no more than one step of each part
    parts = (steps.positions.double() * n_steps / length).floor()
    assert (parts <= th.arange(n_steps)).all()


@st.composite
def episodes_and_segments(
    draw: st.DrawFn,
) -> tuple[list[int], list[int], list[tuple[int, int, int]]]:
    lengths = draw(st.lists(st.integers(1, 40), min_size=1, max_size=5))
    ids = draw(
        st.lists(st.integers(0, 99), min_size=len(lengths), max_size=len(lengths), unique=True)
    )
    segments = []
    for _ in range(draw(st.integers(1, 6))):
        which = draw(st.integers(0, len(lengths) - 1))
        start = draw(st.integers(0, lengths[which] - 1))
        segments.append((ids[which], start, draw(st.integers(1, lengths[which] - start))))
    return lengths, ids, segments


@given(data=episodes_and_segments(), n_steps=st.integers(1, 45), seed=st.integers(0, 2**32 - 1))
def test_samples_stay_in_their_segment(
    data: tuple[list[int], list[int], list[tuple[int, int, int]]], n_steps: int, seed: int
) -> None:
    """Whatever the episodes' order and ids: observations say where a sample really came from."""
    lengths, ids, segments = data
    source_ = make_one(
        flat_transitions(lengths, ids), lone_feedback(segments, [1.0] * len(segments))
    )
    rows = th.arange(len(segments))
    for source in (generator(seed), None):
        steps = source_.sample_steps(rows, n_steps, source)
        observations, _ = source_.gather(steps.rows)
        assert isinstance(observations, th.Tensor)
        found = observations.view(len(segments), n_steps, 2).long()
        for (episode, start, length), where, position, weight in zip(
            segments, found, steps.positions, steps.weights, strict=True
        ):
            assert (where[:, 0] == episode).all()
            assert (where[:, 1] == start + position).all()
            assert (position >= 0).all()
            assert (position < length).all()
            assert (position.diff() >= 0).all()
            assert weight.sum().item() == pytest.approx(length, rel=1e-5)


@given(length=st.integers(2, 2**30), n_steps=st.integers(1, 128), seed=st.integers(0, 99))
def test_float_rounding_does_not_leave_a_segment(length: int, n_steps: int, seed: int) -> None:
    """Neither in a huge segment nor where the largest random number below 1 is drawn."""
    source_ = one_episode(1, [(0, 0, 1)])
    source_.training.lengths[0] = length
    largest = mock.patch.object(th, "rand", lambda shape, **_: th.full(shape, 1 - 2**-24))
    for source, draws in (
        (generator(seed), contextlib.nullcontext()),
        (generator(seed), largest),
        (None, contextlib.nullcontext()),
    ):
        with draws:
            positions = source_.sample_steps(th.tensor([0]), n_steps, source).positions
        assert int(positions.min()) >= 0
        assert int(positions.max()) < length


# --- labels ---------------------------------------------------------------------------------


@pytest.mark.parametrize("n_lone", [0, 1, 2, 3])
def test_every_label_is_in_a_pair(n_lone: int) -> None:
    """Comparisons come first; lone safety labels follow two by two, unlabelled ones never."""
    nan = math.nan
    feedback = lone_feedback(
        [(0, start, 2) for start in range(3 + n_lone)],
        [1.0, nan, nan, *[0.0, 1.0, 0.25][:n_lone]],
        comparisons=[(1, 0)],
        preferences=[0.75],
    )
    labels = make_labels(flat_transitions([9], [0]), feedback, CPU)
    assert labels.pairs[0].tolist() == [1, 0]
    assert labels.preferences[0].item() == 0.75
    assert labels.preferences[1:].isnan().all()
    assert set(labels.pairs[1:].flatten().tolist()) == set(range(3, 3 + n_lone))
    assert len(labels.pairs) == 1 + (n_lone + 1) // 2


def test_images_get_their_channels_first() -> None:
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (5, 36, 40, 3), dtype=np.uint8)
    vector = random.normal(size=(5, 2)).astype(np.float32)
    space = gym.spaces.Dict(
        {
            "image": gym.spaces.Box(0, 255, (36, 40, 3), np.uint8),
            "first": gym.spaces.Box(0, 255, (3, 36, 40), np.uint8),
            "vector": gym.spaces.Box(-1, 1, (2,)),
        }
    )
    first = np.moveaxis(image, -1, 1)
    moved = observations_to_device({"image": image, "first": first, "vector": vector}, space, CPU)
    assert isinstance(moved, dict)
    assert moved["image"].dtype == th.uint8
    assert np.array_equal(moved["image"].numpy(), first)
    assert np.array_equal(moved["first"].numpy(), first)
    assert np.array_equal(moved["vector"].numpy(), vector)


_MEASURE = """
import gc, tracemalloc
import numpy as np
import torch as th
from algorithm_data import flat_transitions, lone_feedback
from sb3_presa import PRESA
from sb3_presa.learning.offline_data import OfflineData
from sb3_presa.learning.source import make_source

def held():
    gc.collect()
    tensors = [found for found in gc.get_objects() if issubclass(type(found), th.Tensor)]
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    return (tracemalloc.get_traced_memory()[0] + sum(storages.values())) / 2**20

def labels(transitions, n):
    random = np.random.default_rng(0)
    starts = random.integers(0, 9_936, n)
    segments = np.stack([random.integers(0, 10, n), starts, np.full(n, 64)], axis=1)
    p_safe, comparisons = random.integers(0, 2, n), random.permutation(n).reshape(-1, 2)
    return lone_feedback(segments, p_safe, comparisons, random.integers(0, 2, n // 2))

transitions = flat_transitions([10_000] * 10, range(10))

def as_trained_from(n):
    data = OfflineData.of(transitions, labels(transitions, n))
    source = make_source(data, th.device("cpu"), lambda actions: actions, model._prepare_labels)
    model._cloning_rows(source)
    return data, source

model = PRESA(device="cpu")
model.observation_space = transitions.observation_space
model.action_space = transitions.action_space
model._setup_model()
few = as_trained_from(1_000)
tracemalloc.start()
before = held()
many = as_trained_from(200_000)
print(5 * (held() - before))
"""


def test_a_million_segments_would_cost_less_than_100_mb() -> None:
    """
    What a model holds of 200,000 labelled segments more than of a thousand. Arrays and tensors
    are counted: the size of the process depends on what the allocator gives back.
    """
    run = subprocess.run(
        [sys.executable, "-c", _MEASURE],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent,
    )
    assert 20 < float(run.stdout) < 100
