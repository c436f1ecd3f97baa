"""Habits of users of Stable-Baselines3, in Python."""

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch as th
from algorithm_data import weights_of
from minari import MinariDataset
from toy_envs import env_id

from sb3_presa import BC
from sb3_presa.errors import ConfigError


def cloned(dataset: MinariDataset) -> BC:
    return BC.load_offline(dataset, None, device="cpu", seed=0)


@pytest.mark.parametrize("way", ["load", "set_env"])
def test_an_environment_comes_with_other_bounds_and_by_its_id(
    way: str, box_dataset: MinariDataset, tmp_path: Path
) -> None:
    """The bounds of observations say nothing of the policy: it standardises by its data."""
    cloned(box_dataset).save(tmp_path / "model")
    env = gym.make(env_id("box"))
    shape = box_dataset.observation_space.shape
    env.unwrapped.observation_space = gym.spaces.Box(-np.inf, np.inf, shape, np.float32)
    for given in (env, env_id("box")):
        model = BC.load(tmp_path / "model", env=given if way == "load" else None, device="cpu")
        if way == "set_env":
            model.set_env(given)
        found = model.get_env()
        assert found is not None and model.n_envs == 1
        observations = found.reset()
        assert isinstance(observations, np.ndarray)
        action, _ = model.predict(observations, deterministic=True)
        found.step(action)
    with pytest.raises(ConfigError, match="Nowhere"):
        model.set_env("Nowhere-v0")


def test_steps_are_written_as_1e1(box_dataset: MinariDataset) -> None:
    model = cloned(box_dataset).learn(1e1)  # type: ignore[arg-type]
    assert model.num_timesteps == 10
    for steps in (2.5, float("inf"), float("nan")):
        with pytest.raises(ConfigError, match="`total_timesteps` must be a whole number or None"):
            model.learn(steps)  # type: ignore[arg-type]


def test_a_run_within_no_grad_learns_the_same(box_dataset: MinariDataset) -> None:
    alone = weights_of(cloned(box_dataset).learn(3))
    with th.no_grad():
        within = weights_of(cloned(box_dataset).learn(3))
        assert not th.is_grad_enabled(), "as it was"
    for name, value in alone.items():
        np.testing.assert_array_equal(within[name], value, err_msg=name)
