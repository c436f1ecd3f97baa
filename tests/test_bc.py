"""Behaviour cloning: what it clones, and that it does."""

import math
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch as th
from algorithm_data import (  # noqa: F401
    episode,
    flat_transitions,
    lone_feedback,
    one_thread,
    record_log,
    stored,
    tiny_feedback,
)
from minari import MinariDataset

from sb3_presa import BC
from sb3_presa.algorithms.bc import _segment_weights
from sb3_presa.errors import ConfigError, FeedbackError, FeedbackNotFoundError
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.offline_data import OfflineData
from sb3_presa.learning.phases import SegmentRows
from sb3_presa.learning.source import BatchSource, make_source

NAN = math.nan
#: p_safe of five segments, of lengths 2, 4, 6, 3, 5
P_SAFE = [1.0, 0.0, 0.5, NAN, 1.0]
SEGMENTS = [(0, 0, 2), (0, 2, 4), (0, 6, 6), (0, 12, 3), (0, 15, 5)]
COMPARISONS = [(0, 1), (2, 0), (2, 4), (3, 2)]
PREFERENCES = [1.0, 0.0, 0.5, 1.0]


def source() -> BatchSource:
    feedback = lone_feedback(SEGMENTS, P_SAFE, COMPARISONS, PREFERENCES)
    transitions = flat_transitions([20], [0])
    data = OfflineData.of(transitions, feedback)
    return make_source(data, th.device("cpu"), lambda actions: actions)


@pytest.mark.parametrize(
    ("data", "weights"),
    [
        ("safe", [1.0, 0.0, 0.5, 0.0, 1.0]),
        # segment 0 won twice; 2 tied once; 3 won but nobody says that it is safe; 4 tied once
        ("preferred-and-safe", [2.0, 0.0, 0.5 * 0.5, 0.0, 0.5]),
    ],
)
def test_how_much_of_each_segment_is_cloned(data: str, weights: list[float]) -> None:
    assert _segment_weights(source().training, data).tolist() == weights


def test_steps_are_drawn_in_proportion_to_weight_and_length() -> None:
    """Each step as often as its segment's weight says: within 5 standard errors of 20,000 draws,
    which by chance a right sampler misses for one of 20 steps in 1 of 80,000 seeds."""
    n_draws = 20_000
    weights = _segment_weights(source().training, "safe")
    rows = SegmentRows(source(), weights, n_draws).draw(th.Generator().manual_seed(0))
    share = np.bincount(rows.numpy(), minlength=20) / n_draws
    expected = np.repeat([1.0, 0.0, 0.5, 0.0, 1.0], [2, 4, 6, 3, 5]) / (2 + 3 + 5)
    assert (abs(share - expected) <= 5 * np.sqrt(expected * (1 - expected) / n_draws)).all()


def two_habits(name: str) -> tuple[MinariDataset, Feedback]:
    """Safe episodes act at +0.5, unsafe ones at -0.5; even safe episodes act at +0.8 and win."""
    random = np.random.default_rng(0)
    levels = [0.8 if i % 4 == 0 else 0.2 if i % 4 == 2 else -0.5 for i in range(40)]
    episodes = [
        episode(
            random.uniform(-1, 1, (11, 2)).astype(np.float32),
            np.full((10, 1), level, dtype=np.float32),
            rewards=np.zeros(10),
            costs=np.zeros(10),
        )
        for level in levels
    ]
    dataset = stored(name, episodes, gym.spaces.Box(-1, 1, (2,)), gym.spaces.Box(-1, 1, (1,)))
    feedback = Feedback.create(
        dataset,
        [(i, 0, 10) for i in range(40)],
        [level > 0 for level in levels],
        [(i, i + 2) for i in range(0, 40, 4)],
    )
    return dataset, feedback


@pytest.mark.parametrize(
    ("data", "action"),
    [("all", np.mean([0.8, -0.5, 0.2, -0.5])), ("safe", 0.5), ("preferred-and-safe", 0.8)],
)
def test_it_clones_what_it_is_told_to(data: str, action: float, minari_root: Any) -> None:
    """With a Gaussian of fixed width the best clone of several habits is their mean."""
    dataset, feedback = two_habits("habits")
    model = BC.load_offline(
        dataset,
        feedback,
        data=data,
        batch_size=256,
        learning_rate=0.02,
        average_decay=0.9,
        policy_kwargs={"net_arch": [8]},
        seed=0,
        device="cpu",
    )
    recorder = record_log(model)
    model.learn(150, log_interval=10)
    losses = recorder.series("train/cloning_loss")
    assert losses[-1] < losses[0]
    observations = np.random.default_rng(1).uniform(-1, 1, (50, 2)).astype(np.float32)
    predicted, _ = model.predict(observations, deterministic=True)
    assert predicted.mean() == pytest.approx(action, abs=0.1)


def test_all_needs_no_feedback(box_dataset: MinariDataset) -> None:
    BC.load_offline(box_dataset, device="cpu").learn(2)
    with pytest.raises(FeedbackNotFoundError):
        BC.load_offline(box_dataset, data="safe", device="cpu")


@pytest.mark.parametrize("data", ["safe", "preferred-and-safe"])
def test_nothing_to_clone_is_refused(data: str, box_dataset: MinariDataset) -> None:
    unsafe = Feedback.create(box_dataset, [(0, 0, 5), (1, 0, 5)], [0.0, 0.0], [(0, 1)])
    with pytest.raises(FeedbackError, match=f"must hold a segment that is {data}"):
        BC.load_offline(box_dataset, unsafe, data=data, device="cpu")
    model = BC.load_offline(box_dataset, tiny_feedback(box_dataset), data=data, device="cpu")
    with pytest.raises(FeedbackError, match=f"must hold a segment that is {data}"):
        model.set_dataset(box_dataset, unsafe)
    with pytest.raises(ConfigError, match="has no dataset"):
        model.learn(2)


def test_the_first_steps_of_the_average_forget_the_initial_weights(
    box_dataset: MinariDataset,
) -> None:
    """By hand for two steps; and a short run acts on what it learnt."""
    model: Any = BC.load_offline(box_dataset, tiny_feedback(box_dataset), seed=0, device="cpu")
    expected = model.policy.actor.head.mean.weight.detach().clone()
    for decay in (1 / 10, 2 / 11):
        model.learn(1, reset_num_timesteps=False)
        expected.lerp_(model.policy.actor.head.mean.weight.detach(), 1 - decay)
        assert th.allclose(model.policy.actor_average.head.mean.weight, expected)
    model.begin_at(2000)  # long after, it forgets a hundredth a step
    before = model.policy.actor_average.head.mean.weight.clone()
    model.learn(1, reset_num_timesteps=False)
    after = 0.99 * before + 0.01 * model.policy.actor.head.mean.weight.detach()
    assert th.allclose(model.policy.actor_average.head.mean.weight, after)
