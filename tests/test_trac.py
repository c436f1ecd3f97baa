"""Trajectory classification: which segments it calls what, its loss, and where it goes."""

import math
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch as th
from algorithm_data import (  # noqa: F401
    TINY_STEPS,
    assert_same_weights,
    episode,
    learn_quietly,
    one_thread,
    record_log,
    stored,
    tiny_feedback,
)
from baseline_case import (
    LIMIT,
    N_STEPS,
    SEEDS,
    actions_of,
    batch_of,
    costs,
    known_direction,  # noqa: F401
    rewards,
)
from contract import CASES
from minari import MinariDataset
from toy_envs import env_id

from sb3_presa import TraC
from sb3_presa.algorithms.trac import (
    TraCObjective,
    classification_loss,
    desirability,
    draw_segments,
)
from sb3_presa.data.episodes import load_outcomes
from sb3_presa.errors import ConfigError, DatasetError
from sb3_presa.learning.schedules import WarmupSchedule

(CASE,) = (case for case in CASES if case.name == "trac")
NAN = math.nan


def log_sigmoid(u: float) -> float:
    return -math.log(1.0 + math.exp(-u))


# --- labels and weights ---------------------------------------------------------------------

RETURNS = np.array([3.0, 9.0, 1.0, 5.0, 2.0, 8.0])
SAFE = np.array([True, False, True, True, True, False])


@pytest.mark.parametrize(
    ("top", "bottom", "labels", "weights"),
    [
        # the safe ones return 1, 2, 3 and 5; the best half of them is desirable
        (0.5, 0.0, [1, 0, NAN, 1, NAN, 0], [0.7 + 0.3 * 0.5, 1, 1, 1.0, 1, 1]),
        # and the worst half is not: its weights run the other way
        (
            0.5,
            0.5,
            [1, 0, 0, 1, 0, 0],
            [0.85, 1, 0.7 + 0.3 * 1.0, 1.0, 0.7 + 0.3 * 0.75, 1],
        ),
        (0.25, 0.0, [NAN, 0, NAN, 1, NAN, 0], [1, 1, 1, 1, 1, 1]),
        (0.26, 0.0, [1, 0, NAN, 1, NAN, 0], [0.85, 1, 1, 1, 1, 1]),  # rounded up
    ],
)
def test_labels_and_weights_by_hand(
    top: float, bottom: float, labels: list[float], weights: list[float]
) -> None:
    label, weight = desirability(RETURNS, SAFE, kappa=0.7, top_share=top, bottom_share=bottom)
    assert np.array_equal(label, np.array(labels), equal_nan=True)
    assert weight == pytest.approx(np.array(weights))


def test_equal_returns_have_a_weight() -> None:
    label, weight = desirability(np.ones(4), np.ones(4, dtype=bool), 0.7, 0.5, 0.0)
    assert np.nansum(label) == 2
    assert weight[label == 1].tolist() == pytest.approx([0.7, 0.7])


def test_whole_episodes_are_taken_once_and_short_ones_not() -> None:
    lengths = np.array([20, 20, 13, 20])
    segments = draw_segments(lengths, 1.0, np.random.default_rng(0))
    assert sorted(map(tuple, segments.tolist())) == [(0, 0, 20), (1, 0, 20), (3, 0, 20)]


def test_shorter_segments_lie_anywhere_within_episodes() -> None:
    """One for six possible first steps of each episode, as published."""
    lengths = np.array([100, 100, 40, 60])
    segments = draw_segments(lengths, 0.5, np.random.default_rng(0))
    assert len(segments) == (100 - 50) // 6 * 4
    assert set(segments[:, 2]) == {50}
    assert set(segments[:, 0]) == {0, 1, 3}
    assert (segments[:, 1] + 50 <= lengths[segments[:, 0]]).all()
    assert len(set(segments[:, 1])) > 5


def three_episodes(name: str) -> MinariDataset:
    """Returns 10, 30 and 50; costs 3, 0 and 6."""
    space = gym.spaces.Box(-1.0, 1.0, (1,))
    random = np.random.default_rng(0)
    episodes = [
        episode(
            random.uniform(-1, 1, (11, 1)).astype(np.float32),
            np.zeros((10, 1), dtype=np.float32),
            np.full(10, reward),
            np.arange(10) < cost,
        )
        for reward, cost in ((1.0, 3), (3.0, 0), (5.0, 6))
    ]
    return stored(name, episodes, space, space)


def weights_of_segments(model: TraC) -> th.Tensor:
    weights = model.require_source().training.weights
    assert weights is not None
    return weights


def labelled(model: TraC) -> dict[int, tuple[float, float]]:
    """Label and weight by episode."""
    assert model.feedback is not None
    rows = zip(
        model.feedback.segments[:, 0].tolist(),
        model.feedback.p_safe.tolist(),
        weights_of_segments(model).tolist(),
        strict=True,
    )
    return {episode_id: (label, weight) for episode_id, label, weight in rows}


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (3.0, {1: (1.0, 1.0), 2: (0.0, 1.0)}),  # exactly the limit is safe
        (2.0, {0: (0.0, 1.0), 1: (1.0, 0.7), 2: (0.0, 1.0)}),
    ],
)
def test_a_dataset_is_labelled_by_its_own_rewards_and_costs(
    limit: float, expected: dict[int, tuple[float, float]], minari_root: Any
) -> None:
    model = TraC.load_offline(three_episodes("three"), None, cost_limit=limit, device="cpu")
    found = labelled(model)
    assert found.keys() == expected.keys()
    for episode_id, (label, weight) in expected.items():
        assert found[episode_id] == pytest.approx((label, weight))


def test_weights_stay_with_their_segments_in_batches(box_dataset: MinariDataset) -> None:
    """The objective weighs each segment of a pair by that segment's own return."""
    model = CASE.make(box_dataset, top_share=1.0, cost_limit=8.0)
    outcomes = load_outcomes(box_dataset)
    returns = dict(zip(outcomes.episode_ids.tolist(), outcomes.episode_returns, strict=True))
    unsafe = model.feedback.p_safe == 0
    episodes = model.feedback.segments[:, 0]
    safe_returns = np.array([returns[e] for e in episodes[~unsafe].tolist()])
    low, high = safe_returns.min(), safe_returns.max()
    expected = np.ones(len(episodes))
    expected[~unsafe] = 0.7 + 0.3 * (safe_returns - low) / (high - low)
    assert len(np.unique(expected)) > 3
    assert weights_of_segments(model).numpy() == pytest.approx(expected, rel=1e-5)


def test_weights_stay_with_their_segments_where_some_are_held_out(
    box_dataset: MinariDataset,
) -> None:
    everything = labelled(CASE.make(box_dataset, top_share=1.0, cost_limit=8.0))
    assert len({weight for _, weight in everything.values()}) > 3
    model = CASE.make(box_dataset, top_share=1.0, cost_limit=8.0, validation_fraction=0.4)
    kept = labelled(model)
    assert 0 < len(kept) < len(everything)
    assert kept == {episode_id: everything[episode_id] for episode_id in kept}
    recorder = record_log(model)
    learn_quietly(model, TINY_STEPS, log_interval=3)
    assert 0.0 <= recorder.last("validation/safety_auc") <= 1.0


# --- the loss -------------------------------------------------------------------------------


def test_the_loss_by_hand() -> None:
    """Two desirable ones and one that is not: that one counts eta times two."""
    utility, desirable = th.tensor([1.0, -2.0, 0.5]), th.tensor([True, True, False])
    weight = th.tensor([1.0, 0.8, 0.9])
    parts = [
        -log_sigmoid(1.0),
        -0.8 * log_sigmoid(-2.0),
        -0.9 * 0.25 * 2 * log_sigmoid(-0.5),
    ]
    found = classification_loss(utility, desirable, weight, eta=0.25)
    assert found.item() == pytest.approx(sum(parts) / 3)
    everything = classification_loss(utility, th.ones(3, dtype=th.bool), weight, eta=0.25)
    assert math.isfinite(everything.item())


def test_a_hopeless_segment_is_given_up() -> None:
    """As published, probabilities are cut at 1e-6."""
    utility = th.tensor([-20.0, -10.0], requires_grad=True)
    loss = classification_loss(utility, th.tensor([True, True]), th.ones(2), 0.25)
    loss.backward()
    assert loss.item() == pytest.approx((-math.log(1e-6) - log_sigmoid(-10.0)) / 2)
    assert utility.grad is not None
    assert utility.grad[0] == 0.0
    assert utility.grad[1] == pytest.approx(-0.5, abs=1e-3)


def test_utilities_are_discounted_sums_and_each_has_its_weight() -> None:
    objective = TraCObjective(0.2, 0.5, gamma=0.5, normalize_length=False, n_pairs=1)
    batch = batch_of([[[1.0, 4.0], [2.0, 2.0]]], [[1.0, 0.0]], [NAN])
    batch = batch._replace(segment_weights=th.tensor([[0.7, 0.6]]))
    loss, metrics, _ = objective.loss(batch, {})
    parts = [-0.7 * log_sigmoid(0.2 * 3.0), -0.6 * 0.5 * log_sigmoid(-0.2 * 3.0)]
    assert loss.item() == pytest.approx(sum(parts) / 2)
    assert metrics["accuracy"].item() == 0.5


# --- settings -------------------------------------------------------------------------------


def test_what_is_published_is_the_default() -> None:
    model = TraC(env=env_id("box"), device="cpu")
    expected: dict[str, Any] = {
        "alpha": 0.2,
        "gamma": 0.99,
        "eta": 0.25,
        "kappa": 0.7,
        "top_share": 0.5,
        "bottom_share": 0.0,
        "n_cloning_steps": 30_000,
        "default_total_timesteps": 100_000,
        "cloning_learning_rate": 1e-4,
        "n_pairs": 48,
        "average_decay": 0.0,
        "policy_kwargs": {"net_arch": [256, 256], "dropout": 0.25},
    }
    assert {name: getattr(model, name) for name in expected} == expected
    assert TraC(policy_kwargs={"net_arch": [8]}, device="cpu").policy_kwargs["dropout"] == 0.25
    # the rate rises for 10,000 of the 70,000 steps
    steps = np.array([0, 5_000, 10_000, 69_999])
    rates = [model.lr_schedule(1.0 - step / 70_000) for step in steps]
    assert rates == pytest.approx([0.0, 0.5e-5, 1e-5, 1e-5])
    assert WarmupSchedule(2.0, share=0.5)(0.75) == 1.0


def test_cloning_is_of_labelled_segments_at_one_rate(box_dataset: MinariDataset) -> None:
    model = CASE.make(box_dataset)
    rows = model.phases()[0].rows.draw(th.Generator().manual_seed(0))
    labels = model.source.training
    inside = np.concatenate(
        [
            np.arange(s, s + n)
            for s, n in zip(labels.starts.tolist(), labels.lengths.tolist(), strict=True)
        ]
    )
    assert set(rows.tolist()) <= set(inside.tolist())
    assert len(inside) < model.source.n_transitions, "some are neither"
    rates = []

    def read(locals_: dict[str, Any], _globals: dict[str, Any]) -> bool:
        rates.append(locals_["self"].policy.optimizer.param_groups[0]["lr"])
        return True

    model.learn(15, callback=read)
    assert rates[:6] == pytest.approx([1e-4] * 6)


def test_feedback_is_not_looked_at(box_dataset: MinariDataset) -> None:
    feedback = tiny_feedback(box_dataset)
    trained = CASE.trained(box_dataset, feedback)
    flipped = replace(feedback, p_safe=1 - feedback.p_safe, preferences=1 - feedback.preferences)
    assert_same_weights(trained, CASE.trained(box_dataset, flipped))
    by_name = TraC.load_offline(
        box_dataset,
        "there-is-none",
        **CASE.settings,
        policy_kwargs={"net_arch": [8]},
        seed=0,
        device="cpu",
    ).learn(15)
    assert_same_weights(trained, by_name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cost_limit", -1.0),
        ("cost_limit", NAN),
        ("alpha", 0.0),
        ("eta", -1.0),
        ("kappa", 1.5),
        ("top_share", 0.0),
        ("bottom_share", -0.5),
        ("bottom_share", 0.75),
        ("segment_share", 0.0),
    ],
)
def test_arguments_out_of_their_range(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"`{name}`.* must be .*, got .*{value}"):
        TraC(**{name: value}, device="cpu")


def test_limits_that_cannot_be_learnt_from(minari_root: Any) -> None:
    dataset = three_episodes("three")
    with pytest.raises(ConfigError, match="`cost_limit` must be given to TraC"):
        TraC.load_offline(dataset, device="cpu")
    expensive = [
        episode(np.zeros((3, 1), dtype=np.float32), np.zeros((2, 1)), np.ones(2), np.ones(2))
    ]
    space = gym.spaces.Box(-1.0, 1.0, (1,))
    unsafe = stored("unsafe", expensive, space, space)
    with pytest.raises(
        DatasetError,
        match=r"`cost_limit` must be at least 2, .* got 1",
    ):
        TraC.load_offline(unsafe, cost_limit=1, device="cpu")
    with pytest.warns(UserWarning, match="all 3 segments keep `cost_limit` = 9"):
        TraC.load_offline(dataset, cost_limit=9, device="cpu")


# --- it learns ------------------------------------------------------------------------------


def test_it_earns_reward_within_the_limit(known_direction: MinariDataset) -> None:  # noqa: F811
    """More than the safe episodes do on average, at a cost within the limit, over 5 seeds: by
    right and by down, which at random has a probability of 1 in 1,024."""
    outcomes = load_outcomes(known_direction)
    safe = outcomes.episode_costs <= LIMIT
    for seed in SEEDS:
        actions, _ = actions_of(TraC, known_direction, seed, cost_limit=LIMIT)
        assert N_STEPS * costs(actions).mean() <= LIMIT
        assert N_STEPS * rewards(actions).mean() > outcomes.episode_returns[safe].mean() + 2.0
        right, up = actions.mean(0)
        assert right > 0.15
        assert up < -0.1
