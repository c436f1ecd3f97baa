"""Weights that a learning rate destroyed, and observations that no policy can act on."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch as th
from algorithm_data import episode, one_thread, random_dataset  # noqa: F401
from contract import (
    Case,
    every_case,
)
from fitted_once import labels_fitted_once  # noqa: F401
from minari import MinariDataset
from toy_envs import Kind

from sb3_presa import BC, learn_many
from sb3_presa.data.minari_store import write_dataset
from sb3_presa.errors import ConfigError, DivergenceError
from sb3_presa.policies.policy import MlpPolicy


def spoil(model: Any) -> None:
    """As a step that is too large leaves one weight."""
    with th.no_grad():
        next(model.policy.actor.parameters())[0, 0] = math.inf


@every_case
def test_training_stops_where_weights_are_not_finite(
    case: Case, box_dataset: MinariDataset
) -> None:
    """At a log entry, with the step and a metric; without entries, at the end."""
    model = case.make(box_dataset)
    model.learn(2, log_interval=1)
    spoil(model)
    with pytest.raises(DivergenceError, match=r"at step 3[;.]"):
        model.learn(2, log_interval=1, reset_num_timesteps=False)
    assert model.num_timesteps == 3
    with pytest.raises(DivergenceError, match=r"at step \d+\. Lower the learning rate"):
        model.learn(2, log_interval=None, reset_num_timesteps=False)


def test_the_message_says_when_and_of_what(box_dataset: MinariDataset) -> None:
    model = BC.load_offline(box_dataset, None, learning_rate=lambda left: 1e38, device="cpu")
    said = (
        r"at step \d+( \(they were at step \d+\))?; `train/cloning_loss` is \S+; "
        r"`train/learning_rate` is 1e\+38\. Lower"
    )
    with pytest.raises(DivergenceError, match=said):
        model.learn(40, log_interval=5)
    assert model.num_timesteps < 40


def test_one_of_many_that_diverges_is_seen(box_dataset: MinariDataset) -> None:
    models = [BC.load_offline(box_dataset, None, seed=seed, device="cpu") for seed in range(3)]
    spoil(models[1])
    for log_interval in (2, None):
        with pytest.raises(DivergenceError, match="at step"):
            learn_many(models, 4, log_interval=log_interval)


SPACES = {
    "box": gym.spaces.Box(-9, 9, (3,)),
    "dict": gym.spaces.Dict({"a.b": gym.spaces.Box(-9, 9, (3,)), "n": gym.spaces.Discrete(3)}),
}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@every_case
def test_an_observation_that_is_not_finite_is_refused(
    case: Case, value: float, box_dataset: MinariDataset
) -> None:
    """One or in a batch, by model and by policy; unless told otherwise."""
    model = case.make(box_dataset)
    good = np.zeros(model.observation_space.shape or (), dtype=np.float32)
    wrong = good.copy()
    wrong[1] = value
    for act in (model.predict, model.policy.predict):
        with pytest.raises(ConfigError, match=rf"`observation` must be finite, got {value} at 1\."):
            act(wrong)
        with pytest.raises(ConfigError, match=rf"got {value} at 2, 1\."):
            act(np.stack([good, good, wrong]))
        act(good)
    model.policy.check_finite = False
    model.predict(wrong, deterministic=True)


def test_the_part_of_a_dict_is_named() -> None:
    policy = BC("MultiInputPolicy", _env(SPACES["dict"]), device="cpu").policy
    wrong = {"a.b": np.array([0.0, np.nan, 0.0]), "n": np.array(1)}
    with pytest.raises(ConfigError, match=r"`observation\['a\.b'\]` must be finite, got nan at 1"):
        policy.predict(wrong)


@pytest.mark.parametrize(
    ("observation", "said"),
    [
        ({"a.b": np.zeros(3)}, r"must have the keys \['a.b', 'n'\], got \['a.b'\]"),
        ({"a.b": np.zeros(3), "n": np.array(1), "x": 0}, r"must .* got \['a.b', 'n', 'x'\]"),
        (np.zeros(3), "must be a dict of a.b, n, got ndarray"),
    ],
)
def test_other_keys_are_named(observation: Any, said: str) -> None:
    policy = BC("MultiInputPolicy", _env(SPACES["dict"]), device="cpu").policy
    with pytest.raises(ConfigError, match="`observation` " + said):
        policy.predict(observation)


def test_what_is_no_array_is_named() -> None:
    """What ``reset`` returns is a pair; SB3 says what was meant."""
    policy = BC("MlpPolicy", _env(SPACES["box"]), device="cpu").policy
    with pytest.raises(ConfigError, match="`observation` must be an array, got dict"):
        policy.predict({"a": np.zeros(3)})
    pair: Any = (np.zeros(3, np.float32), {})
    with pytest.raises(ValueError, match="passed a tuple to the predict"):
        policy.predict(pair)


def test_destroyed_weights_do_not_act_in_silence() -> None:
    policy = BC("MlpPolicy", _env(SPACES["box"]), device="cpu").policy
    with th.no_grad():
        next(policy.actor_average.parameters()).fill_(math.nan)
    with pytest.raises(ConfigError, match="the action must be finite, got nan at 0"):
        policy.predict(np.zeros(3, np.float32), deterministic=True)


def test_the_switch_is_saved(tmp_path: Any) -> None:
    model = BC(
        "MlpPolicy", _env(SPACES["box"]), device="cpu", policy_kwargs={"check_finite": False}
    )
    model.save(tmp_path / "model")
    assert not BC.load(tmp_path / "model", device="cpu").policy.check_finite
    model.policy.save(str(tmp_path / "policy"))
    assert not MlpPolicy.load(str(tmp_path / "policy"), device="cpu").check_finite


def _env(space: gym.Space[Any]) -> gym.Env[Any, Any]:
    class Nowhere(gym.Env[Any, Any]):
        observation_space, action_space = space, gym.spaces.Box(-1, 1, (2,))

    return Nowhere()


@pytest.mark.parametrize(
    ("kind", "action"),
    [("box", "at its bounds"), ("discrete", "the same"), ("multidiscrete", "the same")],
)
def test_a_policy_that_ignores_observations_is_told(
    kind: Kind,
    action: str,
    make_dataset: Callable[[Kind], MinariDataset],
    recwarn: pytest.WarningsRecorder,
) -> None:
    """Saturated weights are finite: `learn` ended quietly."""
    dataset = make_dataset(kind)

    def model(learning_rate: float) -> BC:
        return BC.load_offline(dataset, None, learning_rate=learning_rate, seed=0, device="cpu")

    model(1e-3).learn(30)
    assert not [one for one in recwarn if "saturated" in str(one.message)]
    said = f"its action is {action} in all of .*lower learning rate"
    with pytest.warns(UserWarning, match=said) as caught:
        model(100.0).learn(30)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match=said) as caught:
        learn_many([model(100.0), model(100.0)], 30)
    assert len(caught) == 2 and caught[0].filename == __file__


def test_one_choice_is_not_called_saturated(
    minari_root: Path, recwarn: pytest.WarningsRecorder
) -> None:
    """There is nothing else to learn."""
    states = np.random.default_rng(0).normal(size=(21, 3))
    dataset = write_dataset(
        "toy/one-v0",
        [episode(states, np.zeros(20, np.int64), np.zeros(20), np.zeros(20))],
        observation_space=SPACES["box"],
        action_space=gym.spaces.Discrete(1),
    )
    BC.load_offline(dataset, None, seed=0, device="cpu").learn(3)
    assert not [one for one in recwarn if "saturated" in str(one.message)]


@pytest.mark.parametrize(
    ("key", "wrong", "said"),
    [
        ("gear", np.array([0, 3]), "Discrete(3), got 3 at 1"),
        ("gear", np.array([[-1], [0]]), "Discrete(3), got -1 at 0, 0"),
        ("signals", np.array([[0, 0], [2, 4]]), "MultiDiscrete([3 4]), got 4 at 1, 1"),
    ],
)
def test_a_class_that_the_space_lacks_is_named(
    key: str, wrong: np.ndarray, said: str, minari_root: Path
) -> None:
    parts = {"gear": gym.spaces.Discrete(3), "signals": gym.spaces.MultiDiscrete([3, 4])}
    observed = gym.spaces.Dict(parts)
    actions = gym.spaces.Box(-1, 1, (1,), np.float32)
    model = BC.load_offline(random_dataset("classes", observed, actions), None, device="cpu")
    batch = {"gear": np.array([0, 2]), "signals": np.array([[0, 3], [2, 0]])}
    assert model.predict(batch)[0].shape == (2, 1)
    message = re.escape(f"`observation['{key}']` must hold classes of {said}")
    with pytest.raises(ConfigError, match=message):
        model.predict({**batch, key: wrong})
