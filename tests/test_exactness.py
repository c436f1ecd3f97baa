"""A clone that repeats exactly what it imitates is kept: alignment does not move it."""

from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch as th
from algorithm_data import in_objective, learn_quietly, record_log, tiny_feedback
from fitted_once import labels_fitted_once  # noqa: F401
from made_up import recorded, write
from stable_baselines3 import PPO

from sb3_presa import PRESA, Feedback, learn_many
from sb3_presa.algorithms.presa import _GENTLY
from sb3_presa.data.transitions import Transitions
from sb3_presa.learning.exactness import Exactness
from sb3_presa.learning.spaces_env import SpacesVecEnv

N_EPISODES, STEPS, CLIP, N_CLONING, N_STEPS = 60, 30, 6, 300, 312
OBSERVATIONS = gym.spaces.Box(-np.inf, np.inf, (2,), np.float32)
ACTIONS = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Drivers whose action is half of what they see first; a share of steps costs (y above 0)."""
    random = np.random.default_rng(0)
    level = random.uniform(-0.9, 0.9, N_EPISODES)
    share = random.choice([0.0, 0.1, 0.6, 0.9], N_EPISODES)
    episodes = []
    for i in range(N_EPISODES):
        costly = random.random(STEPS + 1) < share[i]
        x = level[i] + 0.1 * random.normal(size=STEPS + 1)
        y = np.where(costly, 1.0, -1.0) + 0.1 * random.normal(size=STEPS + 1)
        actions = 0.5 * x[:STEPS, None]
        observations = np.stack([x, y], axis=1)
        episodes.append(recorded(observations, actions, costly[:STEPS], actions[:, 0]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINARI_DATASETS_PATH", str(tmp_path_factory.mktemp("minari")))
        yield write("toy/exact-v0", episodes, OBSERVATIONS, ACTIONS)


def made(exact: Any, flip: float) -> Feedback:
    return Feedback.synthetic(
        exact,
        150,
        segment_length=CLIP,
        cost_limit=10.0,
        seed=0,
        flip_preferences=flip,
        flip_safety=flip,
    )


@pytest.fixture(scope="module")
def labels(exact: Any) -> Feedback:
    """15% of them wrong, so that nothing predicts nine of ten right."""
    return made(exact, flip=0.15)


def make(exact: Any, labels: Feedback, **settings: Any) -> PRESA:
    given = {
        "n_cloning_steps": N_CLONING,
        "n_attain_steps": 4,
        "completion": True,
        "policy_kwargs": {"net_arch": [32]},
        "seed": 0,
        **settings,
    }
    return PRESA.load_offline(exact, labels, **in_objective(given))


def moved(model: PRESA) -> bool:
    """Whether what acts is another policy than the reference."""
    own, reference = model.policy.actor_average, model.policy.actor_reference
    return any(
        not th.equal(weights, of_reference)
        for weights, of_reference in zip(own.parameters(), reference.parameters(), strict=True)
    )


def exactness_of(model: PRESA) -> Exactness | None:
    return model.phases(N_STEPS)[-1]._exactness  # type: ignore[attr-defined, no-any-return]


def test_an_exact_clone_is_kept(exact: Any, labels: Feedback) -> None:
    model = make(exact, labels)
    log = record_log(model)
    model.learn(N_STEPS, log_interval=1)
    assert not moved(model)
    assert log.last("train/clone_error") < 0.1
    rates = log.series("train/learning_rate")
    assert min(rates[:N_CLONING]) > 0.0 and not any(rates[N_CLONING:])


def test_its_error_is_that_of_its_actions(exact: Any, labels: Feedback) -> None:
    model = make(exact, labels).learn(N_STEPS)
    exactness = exactness_of(model)
    assert exactness is not None
    generator = th.Generator().manual_seed(0)
    rows = th.cat([exactness.rows.draw(generator) for _ in range(8)])
    observations, actions = model.require_source().gather(rows)
    assert isinstance(observations, th.Tensor)
    found, _ = model.predict(observations.numpy(), deterministic=True)
    by_hand = np.sqrt(np.mean((found - actions.numpy()) ** 2))
    assert exactness.error == pytest.approx(by_hand, rel=1e-4)


@pytest.mark.parametrize("sure", [False, True])
def test_it_is_moved_gently_where_the_task_ends_episodes_early(
    sure: bool, exact: Any, labels: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Transitions, "end_early", True)
    labels = made(exact, flip=0.0) if sure else labels
    assert labels.complete(exact).aligns_exact == sure
    rates = []
    for settings in ({}, {"least_clone_error": 0.0}, {"n_cloning_steps": 2}):
        model = make(exact, labels, **settings)
        log = record_log(model)
        learn_quietly(model, model.n_cloning_steps + N_STEPS - N_CLONING)
        assert moved(model)
        rates.append(np.array(log.series("train/learning_rate")[model.n_cloning_steps :]))
    gentle, full, inexact = rates
    assert gentle == pytest.approx(_GENTLY * full) and inexact == pytest.approx(full)


@pytest.mark.parametrize(
    "settings",
    [{"least_clone_error": 0.0}, {"delta": 0.6}, {"completion": False}],
    ids=["never", "delta-given", "labels-as-given"],
)
def test_it_is_aligned_where_asked(exact: Any, labels: Feedback, settings: dict[str, Any]) -> None:
    model = make(exact, labels, **settings)
    learn_quietly(model, N_STEPS)
    assert moved(model)


def test_it_is_aligned_where_labels_are_sure(exact: Any, labels: Feedback) -> None:
    sure = made(exact, flip=0.0)
    assert sure.complete(exact).aligns_exact and not labels.complete(exact).aligns_exact
    assert moved(make(exact, sure).learn(N_STEPS))


def test_an_agent_that_exists_is_aligned(exact: Any, labels: Feedback) -> None:
    agent = PPO(
        "MlpPolicy",
        SpacesVecEnv(OBSERVATIONS, ACTIONS),
        policy_kwargs={"net_arch": [8]},
        seed=0,
        device="cpu",
    )
    model = PRESA.from_agent(agent, exact, labels, completion=True, seed=0)
    assert exactness_of(model) is None


def test_a_clone_that_leaves_more_is_aligned(exact: Any, labels: Feedback) -> None:
    model = make(exact, labels, n_cloning_steps=2).learn(12)
    exactness = exactness_of(model)
    assert exactness is not None and exactness.error > 0.1
    assert moved(model)


def test_it_is_kept_where_a_run_goes_on(exact: Any, labels: Feedback, tmp_path: Any) -> None:
    with pytest.warns(UserWarning, match="the run ends within the 4 steps"):
        make(exact, labels).learn(N_CLONING + 2).save(tmp_path / "half")
    model = PRESA.load(tmp_path / "half")
    model.set_dataset(exact, labels)
    model.learn(N_STEPS - N_CLONING - 2, reset_num_timesteps=False)
    assert model.num_timesteps == N_STEPS and not moved(model)


def test_it_is_kept_among_models_that_learn_together(exact: Any, labels: Feedback) -> None:
    kept, aligned = learn_many(
        [make(exact, labels), make(exact, labels, least_clone_error=0.0)], N_STEPS
    )
    assert not moved(kept) and moved(aligned)


def test_it_is_kept_at_every_safety_level(exact: Any, labels: Feedback) -> None:
    model = make(exact, labels, adjustable=True).learn(N_STEPS)
    assert not moved(model)


def test_discrete_actions_are_always_aligned(discrete_dataset: Any) -> None:
    labels = tiny_feedback(discrete_dataset)
    model = PRESA.load_offline(discrete_dataset, labels, completion=True, seed=0)
    exactness = exactness_of(model)
    assert exactness is not None and exactness.error == np.inf
    assert exactness.share_of_rates == 1.0
