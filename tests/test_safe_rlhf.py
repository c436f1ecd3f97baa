"""Safe RLHF: what it needs, the units of what it predicts, and whether it learns."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from algorithm_data import one_thread, record_log, tiny_feedback  # noqa: F401
from baseline_case import LIMIT, N_STEPS, costs, known_direction, rewards  # noqa: F401
from contract import CASES
from minari import MinariDataset

from sb3_presa import SafeRLHF
from sb3_presa.algorithms.q_learning.reward_models import segment_means
from sb3_presa.errors import ConfigError, FeedbackError
from sb3_presa.feedback.holdout import split_feedback
from sb3_presa.feedback.table import Feedback

(CASE,) = (case for case in CASES if case.name == "safe-rlhf")


# --- labels and units -----------------------------------------------------------------------


def test_it_needs_comparisons_and_safety_labels(box_dataset: MinariDataset) -> None:
    feedback = tiny_feedback(box_dataset)
    nothing = np.full(len(feedback.p_safe), np.nan)
    with pytest.raises(FeedbackError, match="must hold safety labels, got none"):
        CASE.make(box_dataset, replace(feedback, p_safe=nothing))
    lone = replace(
        feedback,
        comparisons=np.zeros((0, 2), dtype=np.int64),
        preferences=np.zeros(0, dtype=np.float32),
    )
    with pytest.raises(FeedbackError, match="must hold comparisons, got none"):
        CASE.make(box_dataset, lone)


def test_costs_are_in_units_of_the_boundary(box_dataset: MinariDataset) -> None:
    """An episode of the horizon whose steps cost what the boundary's do costs boundary_cost."""
    model = CASE.trained(box_dataset, boundary_cost=30.0, reward_scale=0.5, horizon=40)
    rewards_, costs_ = model._relabelled
    assert rewards_.mean().item() == pytest.approx(0.0, abs=1e-5)
    assert rewards_.std(correction=0).item() == pytest.approx(0.5, rel=1e-4)
    assert (costs_ >= 0).all()
    raw = model.outcome_models.mean_outcomes(model.source)[1]
    boundary = model.outcome_models.boundary.item()
    assert costs_.numpy() == pytest.approx(raw.numpy() / boundary * 30.0 / 40, rel=1e-5)
    rates = segment_means(raw, model.source.training)
    assert rates.min() < boundary < rates.max()
    expected = 30.0 / 40 * (1 - 0.99**40) / (1 - 0.99)
    assert model._discounted_limit == pytest.approx(expected)
    stricter = CASE.make(box_dataset, boundary_cost=30.0, horizon=40, cost_limit=15.0)
    assert stricter._discounted_limit == pytest.approx(expected / 2)
    by_the_step = CASE.make(box_dataset, boundary_cost=None, horizon=40)
    assert by_the_step._discounted_limit == pytest.approx(expected / 30.0 * 40 * 0.1)


def test_the_unit_is_fixed_when_the_models_are(box_dataset: MinariDataset, tmp_path: Path) -> None:
    """Other labels later do not change what a trained model's costs mean."""
    model = CASE.trained(box_dataset)
    model.save(tmp_path / "model")
    loaded = SafeRLHF.load(tmp_path / "model", device="cpu")
    loaded.set_dataset(box_dataset, tiny_feedback(box_dataset, seed=5, cost_limit=1.0))
    loaded.learn(1, reset_num_timesteps=False)
    assert loaded._relabelled is not None
    assert th.equal(loaded._relabelled, model._relabelled)
    assert loaded.label_metrics == model.label_metrics


def test_a_run_that_ends_before_the_policy_is_trained_says_so(box_dataset: MinariDataset) -> None:
    with pytest.warns(UserWarning, match="should be above n_model_steps .6."):
        CASE.make(box_dataset).learn(6)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("boundary_cost", 0.0),
        ("cost_limit", -1.0),
        ("n_model_steps", 0),
        ("n_models", 0),
        ("n_pairs", 0),
        ("n_segment_steps", 0),
        ("model_learning_rate", 0.0),
        ("validation_fraction", 1.0),
    ],
)
def test_arguments_out_of_their_range(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"`{name}` must be .*, got {value}"):
        SafeRLHF(**{name: value}, device="cpu")


# --- it learns ------------------------------------------------------------------------------


def test_it_predicts_labels_and_keeps_the_limit(known_direction: MinariDataset) -> None:  # noqa: F811
    """From labels alone, over 3 seeds.

    At chance, n held-out comparisons are right more than ``1/2 + 2 / sqrt(n)`` of the time with a
    probability below 1 in 10,000 (four deviations), and so is the AUC. The policy is right by
    right and down, which at random all three seeds are 1 time in 64.
    """
    for seed in range(3):
        feedback = Feedback.synthetic(known_direction, 400, cost_limit=LIMIT, seed=seed)
        model = SafeRLHF.load_offline(
            known_direction,
            feedback,
            seed=seed,
            boundary_cost=LIMIT,
            n_model_steps=150,
            n_models=2,
            model_net_arch=[32],
            model_learning_rate=1e-2,
            n_pairs=16,
            validation_fraction=0.3,
            batch_size=64,
            learning_rate=3e-3,
            gamma=0.5,
            tau=0.05,
            n_target_actions=4,
            kl_coef=0.005,
            reward_scale=0.5,
            pid_gains=(1.0, 0.05, 0.0),
            multiplier_max=1.0,
            policy_kwargs={"net_arch": [32], "n_candidates": 20, "max_perturbation": 0.2},
            device="cpu",
        )
        log = record_log(model)
        model.learn(400)
        _, held_out = split_feedback(feedback, 0.3, seed)
        chance = 0.5 + 2.0 / len(held_out.comparisons) ** 0.5
        assert log.last("validation/preference_accuracy") > max(chance, 0.8)
        p_safe = held_out.p_safe[~np.isnan(held_out.p_safe)]
        n_safe, n_unsafe = (p_safe == 1).sum(), (p_safe == 0).sum()
        deviation = ((n_safe + n_unsafe + 1) / (12 * n_safe * n_unsafe)) ** 0.5
        assert model.label_metrics["safety_auc"] > max(0.5 + 4 * deviation, 0.8)
        assert model.label_metrics["safety_accuracy"] > 0.75
        observations = np.random.default_rng(1).uniform(-1, 1, (100, 3))
        actions, _ = model.predict(observations, deterministic=True)
        assert N_STEPS * costs(actions).mean() <= LIMIT
        assert N_STEPS * rewards(actions).mean() > 1.0
