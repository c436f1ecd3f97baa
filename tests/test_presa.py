"""PRESA as a whole: its phases, what it holds out, and that it learns."""

import math
import warnings
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch as th
from algorithm_data import (  # noqa: F401
    TINY_PRESA,
    TINY_STEPS,
    assert_same_weights,
    episode,
    in_objective,
    learn_quietly,
    one_thread,
    record_log,
    stored,
    tiny_feedback,
    weights_of,
)
from minari import MinariDataset
from stable_baselines3 import PPO

from sb3_presa import BC, PRESA
from sb3_presa.data.episodes import load_transitions
from sb3_presa.errors import ConfigError, DatasetError
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.diagnostics import preference_accuracy, safety_auc
from sb3_presa.learning.settings import ObjectiveSettings

SEEDS = range(5)


def make(dataset: MinariDataset, feedback: Feedback | None = None, **kwargs: Any) -> Any:
    arguments = {"device": "cpu", "seed": 0, "policy_kwargs": {"net_arch": [8]}, **TINY_PRESA}
    labels = tiny_feedback(dataset) if feedback is None else feedback
    return PRESA.load_offline(dataset, labels, **in_objective(arguments | kwargs))


# --- it learns ------------------------------------------------------------------------------


@pytest.fixture
def known_direction(minari_root: Any) -> MinariDataset:
    """Each episode leans somewhere: right earns reward, up costs, so good and safe is down right.

    Leans do not depend on what is seen, so cloning alone ends in the middle.
    """
    random = np.random.default_rng(0)
    episodes = []
    for _ in range(150):
        lean = random.uniform(-0.7, 0.7, 2)
        actions = np.clip(lean + random.normal(0, 0.2, (12, 2)), -1, 1).astype(np.float32)
        observations = random.uniform(-1, 1, (13, 3)).astype(np.float32)
        episodes.append(
            episode(observations, actions, rewards=actions[:, 0], costs=actions[:, 1] > 0.1)
        )
    return stored("known", episodes, gym.spaces.Box(-1, 1, (3,)), gym.spaces.Box(-1, 1, (2,)))


def shift(known: MinariDataset, seed: int, **kwargs: Any) -> tuple[Any, Any, float, float]:
    """How far training moves the mean action from that of the clone, and what it tells of it."""
    feedback = Feedback.synthetic(known, 300, cost_limit=5.0, seed=seed)
    kwargs = {"unsafe_cloning_weight": 1.0, **kwargs}  # what is learnt, alignment has to learn
    model = make(
        known,
        feedback,
        seed=seed,
        n_cloning_steps=80,
        n_attain_steps=40,
        learning_rate=3e-3,
        cloning_learning_rate=1e-2,
        cloning_batch_size=64,
        n_pairs=16,
        n_segment_steps=12,
        average_decay=0.9,
        validation_fraction=0.2,
        policy_kwargs={"net_arch": [16]},
        **kwargs,
    )
    recorder = record_log(model)
    learn_quietly(model, 240, log_interval=240)
    observations = th.as_tensor(np.random.default_rng(1).uniform(-1, 1, (100, 3))).float()
    with th.no_grad():
        trained, clone = (
            actor.head.mode(actor(observations)).mean(0).numpy()
            for actor in (model.policy.actor_average, model.policy.actor_reference)
        )
    accuracy = recorder.last("validation/preference_accuracy")
    return trained - clone, clone, accuracy, recorder.last("validation/safety_auc")


def test_it_learns_what_is_preferred_and_safe(known_direction: MinariDataset) -> None:
    """From labels alone, over 5 seeds.

    A learner that moved at random would go right in all 5 with a probability of 1 / 32, and down
    as well with one of 1 / 1,024; the distances asked for make that smaller still. On about 100
    held-out labels a coin reaches 0.7 with a probability below 1 in 10,000, each seed.
    """
    accuracies, aucs = [], []
    for seed in SEEDS:
        moved, clone, accuracy, auc = shift(known_direction, seed)
        assert (abs(clone) < 0.15).all(), "cloning is in the middle"
        assert moved[0] > 0.15, "towards reward"
        assert moved[1] < -0.15, "away from cost"
        accuracies.append(accuracy)
        aucs.append(auc)
    assert np.mean(accuracies) > 0.7
    assert np.mean(aucs) > 0.7


@pytest.mark.parametrize("clone_winners", [False, True])
def test_it_can_start_from_what_nobody_calls_unsafe(
    clone_winners: bool, known_direction: MinariDataset
) -> None:
    """The reference keeps away from cost, goes where winners went if they are what it clones, and
    alignment moves on from there; odds as above."""
    for seed in SEEDS:
        moved, clone, *_ = shift(
            known_direction, seed, unsafe_cloning_weight=0.0, clone_winners=clone_winners
        )
        assert clone[0] > 0.15 if clone_winners else abs(clone[0]) < 0.15
        assert clone[1] < -0.15
        assert moved[0] > 0.15
        assert (clone + moved)[1] < -0.15


def test_each_term_does_its_part(known_direction: MinariDataset) -> None:
    """Without the preference loss and the anchor only safety is learnt; without safety labels
    only reward; each with the odds of the test above."""
    for seed in SEEDS:
        safety, *_ = shift(known_direction, seed, preference_coef=0.0, anchor_coef=0.0)
        assert safety[1] < -0.15
        assert abs(safety[0]) < 0.15
    feedback = Feedback.synthetic(known_direction, 300, cost_limit=5.0, unlabelled_safety=1.0)
    assert np.isnan(feedback.p_safe).all()
    with pytest.warns(UserWarning, match="no safety labels"):
        model = make(known_direction, feedback, n_cloning_steps=80, learning_rate=3e-3)
    learn_quietly(model, 240)
    observations = np.random.default_rng(1).uniform(-1, 1, (100, 3)).astype(np.float32)
    actions = model.predict(observations, deterministic=True)[0].mean(0)
    assert actions[0] > 0.15
    assert abs(actions[1]) < 0.15


# --- phases ---------------------------------------------------------------------------------


def test_cloning_is_bc_and_the_reference_is_its_last_weights(box_dataset: MinariDataset) -> None:
    model = make(box_dataset)
    weights = []

    def keep(locals_: dict[str, Any], _globals: dict[str, Any]) -> bool:
        weights.append(weights_of(locals_["self"]))
        return True

    learn_quietly(model, TINY_STEPS, callback=keep)
    names = [name for name in weights[0] if name.startswith("/policy/actor_reference")]
    actor = {name: name.replace("actor_reference", "actor") for name in names}
    last_clone = weights[model.n_cloning_steps - 1]
    for after in weights[model.n_cloning_steps :]:
        for name in names:
            assert np.array_equal(after[name], last_clone[actor[name]]), name
    name = "/policy/actor.head.mean.weight"
    assert not np.array_equal(weights[-1][name], last_clone[name])


def test_cloning_steps_are_those_of_bc(box_dataset: MinariDataset) -> None:
    """The same seed draws the same batches, so a clone on its way is BC on its way."""
    presa = make(
        box_dataset,
        unsafe_cloning_weight=1.0,
        n_cloning_steps=20,
        cloning_learning_rate=1e-2,
        cloning_batch_size=16,
    )
    bc = BC.load_offline(
        box_dataset,
        batch_size=16,
        learning_rate=lambda progress: 1e-4 + 0.5 * (1 - math.cos(math.pi * progress)) * 9.9e-3,
        average_decay=0.5,
        policy_kwargs={"net_arch": [8]},
        seed=0,
        device="cpu",
    )
    learn_quietly(presa, 21)
    bc.learn(20)
    for name, value in bc.policy.actor.state_dict().items():
        reference = presa.policy.actor_reference.state_dict()[name]
        assert th.allclose(value, reference, atol=1e-6), name


def test_a_total_within_cloning_warns(
    box_dataset: MinariDataset, recwarn: pytest.WarningsRecorder
) -> None:
    model = make(box_dataset)
    with pytest.warns(UserWarning, match=r"should be above n_cloning_steps .6., got 6"):
        model.learn(6)
    recwarn.clear()
    learn_quietly(model, 1, reset_num_timesteps=False)
    learn_quietly(model, 7)
    assert [w for w in recwarn if "behaviour cloning" in str(w.message)] == []


def test_a_total_within_the_steps_that_only_attain_warns(box_dataset: MinariDataset) -> None:
    model = make(box_dataset, n_attain_steps=5)
    with pytest.warns(UserWarning, match="should be above 11, got 11: .* the 5 steps that find"):
        model.learn(11)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.learn(12)


def test_a_delta_that_was_given_is_met_in_any_case(box_dataset: MinariDataset) -> None:
    """Also with labels that are too uncertain to align with by default."""
    labels = replace(tiny_feedback(box_dataset), provenance={"aligns": False})
    names = [
        [phase.name for phase in make(box_dataset, labels, delta=delta).phases(15)]
        for delta in ("auto", 0.9)
    ]
    assert "constrain" not in names[0] and "constrain" in names[1]


def test_wrong_arguments_are_refused_before_labels_are_completed(
    box_dataset: MinariDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def completed(*_: Any) -> None:
        raise AssertionError("labels are being completed")

    monkeypatch.setattr("sb3_presa.algorithms.presa.completed", completed)
    labels = tiny_feedback(box_dataset)
    wrong: list[dict[str, Any]] = [
        {"policy": "CnnPolicy"},
        {"policy_kwargs": {"net_arhc": [8]}},
        {"policy_kwargs": {"net_arch": {"pi": [8], "vf": [8]}}},
        {"env": "CartPole-v1"},
    ]
    for arguments in wrong:
        with pytest.raises((ConfigError, DatasetError)):
            PRESA.load_offline(box_dataset, labels, device="cpu", **arguments)
    with pytest.raises(ConfigError):
        PRESA.from_agent(PPO("MlpPolicy", "CartPole-v1"), box_dataset, labels, device="cpu")
    with pytest.raises(AssertionError, match="being completed"):
        PRESA.load_offline(box_dataset, labels, device="cpu")


def test_what_no_policy_knows_is_refused(box_dataset: MinariDataset) -> None:
    with pytest.raises(ConfigError, match="policy, because its spaces"):
        PRESA().preference_utility(load_transitions(box_dataset), [(0, 0, 5)])


def test_a_learning_rate_may_be_a_number_of_numpy(box_dataset: MinariDataset) -> None:
    model = make(box_dataset, learning_rate=np.float32(1e-3))
    assert model.lr_schedule(1.0) == pytest.approx(1e-3)


def test_no_cloning_starts_from_the_initial_policy(box_dataset: MinariDataset) -> None:
    model = make(box_dataset, n_cloning_steps=0)
    first = {name: value.clone() for name, value in model.policy.actor.state_dict().items()}
    learn_quietly(model, TINY_STEPS)
    for name, value in model.policy.actor_reference.state_dict().items():
        assert th.equal(value, first[name]), name


def test_without_averaging_the_last_weights_act(box_dataset: MinariDataset) -> None:
    model = learn_quietly(make(box_dataset, average_decay=0.0), TINY_STEPS)
    for name, value in model.policy.actor.state_dict().items():
        assert th.equal(value, model.policy.actor_average.state_dict()[name]), name


def test_learning_anew_begins_with_the_multiplier_anew(box_dataset: MinariDataset) -> None:
    model = make(box_dataset, multiplier_learning_rate=0.5, multiplier_init=1.0, multiplier_max=9.0)
    learn_quietly(model, TINY_STEPS)
    assert float(model.objective.multiplier) != 1.0
    recorder = record_log(model)
    learn_quietly(model, model.n_cloning_steps + 1, log_interval=1)
    assert recorder.last("train/multiplier") == 1.0
    assert recorder.last("train/p_right") == pytest.approx(0.5, abs=0.01)


def test_gradients_are_clipped_to_max_grad_norm(box_dataset: MinariDataset) -> None:
    """With plain gradient descent a step is at most the learning rate times the norm."""
    settings: dict[str, Any] = {
        "policy_kwargs": {"net_arch": [8], "optimizer_class": th.optim.SGD},
        "max_grad_norm": 1e-3,
        "learning_rate": 1.0,
        "n_cloning_steps": 0,
        "seed": 0,
    }
    model = make(box_dataset, **settings)
    before = [p.detach().clone() for p in model.policy.actor.parameters()]
    learn_quietly(model, 1)
    step = th.cat(
        [
            (new - old).detach().flatten()
            for new, old in zip(model.policy.actor.parameters(), before, strict=True)
        ]
    )
    assert step.norm().item() == pytest.approx(1e-3, rel=1e-2)


def test_the_default_total_is_cloning_and_alignment() -> None:
    model = PRESA(device="cpu")
    n_attain_steps = ObjectiveSettings.of(model).n_attain_steps
    assert model.default_total_timesteps > model.n_cloning_steps + n_attain_steps


def test_bfloat16_gives_about_what_float32_gives(known_direction: MinariDataset) -> None:
    single, half = (
        shift(known_direction, 0, precision=name)[0] for name in ("float32", "bfloat16")
    )
    assert np.allclose(single, half, atol=0.1)


# --- what is held out -----------------------------------------------------------------------


def test_held_out_labels_change_nothing_but_what_is_trained_on(
    box_dataset: MinariDataset,
) -> None:
    feedback = tiny_feedback(box_dataset)
    model = make(box_dataset, feedback, validation_fraction=0.3)
    n_labels = 60 + int((~np.isnan(feedback.p_safe)).sum())
    validation, training = model.source.held_out, model.source.training

    def count(labels: Any) -> int:
        preferences = int((~labels.preferences.isnan()).sum())
        return preferences + int((~labels.p_safe.isnan()).sum())

    assert count(validation) + count(training) == n_labels
    assert 0.25 <= count(validation) / n_labels <= 0.5


def test_held_out_metrics_by_hand() -> None:
    utility = th.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0], [1.0, 1.0], [0.0, 9.0], [0.0, 9.0]])
    preference = th.tensor([0.3, 0.0, 0.0, 0.0, 0.5, math.nan])
    assert preference_accuracy(utility, preference) == pytest.approx((0 + 1 + 0 + 0.5) / 4)
    assert preference_accuracy(utility[4:], preference[4:]) is None
    p_safe = th.tensor([1.0, 1.0, 0.0, 0.2, 0.5, math.nan])
    scores = th.tensor([3.0, 1.0, 1.0, 2.0, 9.0, 9.0])
    # 3 beats 1 and 2; 1 ties with 1 and loses to 2
    assert safety_auc(scores, p_safe) == pytest.approx((1 + 1 + 0.5 + 0) / 4)
    assert safety_auc(scores[:2], p_safe[:2]) is None


def test_a_label_is_used_whether_given_by_name_or_in_hand(box_dataset: MinariDataset) -> None:
    """Beside the dataset, under a name, or as an object: the same training."""
    feedback = tiny_feedback(box_dataset)
    feedback.save(box_dataset)
    feedback.save(box_dataset, "mine")
    kwargs: dict[str, Any] = {
        **TINY_PRESA,
        "device": "cpu",
        "seed": 0,
        "policy_kwargs": {"net_arch": [8]},
    }
    models = [
        PRESA.load_offline(box_dataset, **kwargs),
        PRESA.load_offline("toy/box-v0", "mine", **kwargs),
        PRESA.load_offline(box_dataset.storage.data_path, feedback, **kwargs),
    ]
    for model in models:
        learn_quietly(model, TINY_STEPS)
        assert_same_weights(models[0], model)
