"""PRESA that starts from an agent of Stable-Baselines3."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch as th
from algorithm_data import (  # noqa: F401
    TINY_PRESA,
    TINY_STEPS,
    learn_quietly,
    one_thread,
    tiny_feedback,
)
from minari import MinariDataset
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecNormalize
from toy_envs import Kind, env_id

from sb3_presa import PRESA, learn_many
from sb3_presa.data.episodes import load_transitions
from sb3_presa.errors import ConfigError
from sb3_presa.learning.agent import agent_actions


def ppo(kind: Kind = "box", env: Any = None) -> Any:
    policy = "MultiInputPolicy" if kind == "dict" else "MlpPolicy"
    agent: Any = PPO(policy, env or gym.make(env_id(kind)), seed=0, device="cpu", n_steps=8)
    with th.no_grad():  # so that it does something
        agent.policy.action_net.weight.mul_(80.0)
    return agent


def started(agent: Any, dataset: MinariDataset, **options: Any) -> PRESA:
    settings = {**TINY_PRESA, "seed": 0, "device": "cpu", **options}
    return PRESA.from_agent(agent, dataset, tiny_feedback(dataset), **settings)


@pytest.mark.parametrize("make", [ppo, lambda: SAC("MlpPolicy", gym.make(env_id("box")), seed=0)])
def test_the_reference_acts_as_the_agent_does(make: Any, box_dataset: MinariDataset) -> None:
    agent = make()
    model = started(
        agent, box_dataset, n_cloning_steps=200, cloning_batch_size=128, cloning_learning_rate=1e-2
    )
    learn_quietly(model, 201)
    observations = load_transitions(box_dataset).observations
    expected, _ = agent.predict(observations, deterministic=True)
    reference = model.policy.actor_reference
    found = reference.head.mode(reference(th.as_tensor(observations))).numpy()
    assert np.abs(found - expected).mean() < 0.1 * max(np.abs(expected).mean(), 0.2)
    assert model.agent == type(agent).__name__


def test_statistics_of_vec_normalize_count(box_dataset: MinariDataset) -> None:
    env = VecNormalize(DummyVecEnv([lambda: gym.make(env_id("box"))]))
    statistics: Any = env.obs_rms
    statistics.mean, statistics.var = np.array([0.3, -0.2, 0.1]), np.array([0.04, 0.09, 0.01])
    agent, data = ppo(env=env), load_transitions(box_dataset)
    expected, _ = agent.predict(env.normalize_obs(data.observations), deterministic=True)
    without, _ = agent.predict(data.observations, deterministic=True)
    assert np.abs(expected - without).max() > 0.1
    assert np.allclose(agent_actions(agent, data, None), expected), "its own environment's"
    agent._vec_normalize_env = None
    assert np.allclose(agent_actions(agent, data, env), expected)
    assert np.allclose(agent_actions(agent, data, None), without)


def test_statistics_of_other_observations_are_refused(box_dataset: MinariDataset) -> None:
    """Such as those of single frames, of an agent that sees several: normalised before stacked."""
    other = VecNormalize(DummyVecEnv([lambda: gym.make(env_id("image"))]), norm_obs=True)
    agent = ppo()
    with pytest.raises(ConfigError, match="`vec_normalize` must normalise what was logged"):
        agent_actions(agent, load_transitions(box_dataset), other)
    frames = DummyVecEnv([lambda: gym.make(env_id("box"))])
    stacked = ppo(env=VecFrameStack(VecNormalize(frames), 2))
    data = load_transitions(box_dataset)
    data = replace(
        data,
        observations=np.tile(np.asarray(data.observations), 2),
        observation_space=stacked.observation_space,
    )
    with pytest.raises(ConfigError, match="`vec_normalize` must normalise what was logged"):
        agent_actions(stacked, data, None)


def test_of_a_discrete_agent_the_distribution_is_kept(discrete_dataset: MinariDataset) -> None:
    agent = ppo("discrete")
    with th.no_grad():
        agent.policy.action_net.weight.zero_()
        agent.policy.action_net.bias.copy_(th.tensor([0.5, 0.2, 0.1, 0.1, 0.1]).log())
    actions = agent_actions(agent, load_transitions(discrete_dataset), None)
    shares = np.bincount(actions, minlength=5) / len(actions)
    assert np.allclose(shares, [0.5, 0.2, 0.1, 0.1, 0.1], atol=0.08)


def test_dict_observations(dict_dataset: MinariDataset) -> None:
    learn_quietly(started(ppo("dict"), dict_dataset), TINY_STEPS)


def test_alignment_goes_on_from_the_file_and_imitation_does_not(
    box_dataset: MinariDataset, tmp_path: Path
) -> None:
    model, feedback = started(ppo(), box_dataset), tiny_feedback(box_dataset)
    learn_quietly(model, 3)
    model.save(tmp_path / "early.zip")
    learn_quietly(model, 5, reset_num_timesteps=False)
    model.save(tmp_path / "later.zip")
    early, later = (PRESA.load(tmp_path / f"{name}.zip") for name in ("early", "later"))
    early.set_dataset(box_dataset, feedback)
    with pytest.raises(ConfigError, match="follows a PPO until step 6"):
        early.learn(3, reset_num_timesteps=False)
    later.set_dataset(box_dataset, feedback)
    learn_quietly(later, 7, reset_num_timesteps=False)
    assert later.num_timesteps == 15


def test_it_is_trained_alone(box_dataset: MinariDataset) -> None:
    model = started(ppo(), box_dataset)
    with pytest.raises(ConfigError, match="must clone their logs, got one of an agent"):
        learn_many([model])


def test_an_agent_of_another_task_is_refused(
    box_dataset: MinariDataset, discrete_dataset: MinariDataset
) -> None:
    with pytest.raises(ConfigError, match="`agent` must have the spaces of the dataset"):
        started(ppo(), discrete_dataset)
    with pytest.raises(ConfigError, match=r"`agent` must be a model of Stable-Baselines3.*got str"):
        started("ppo.zip", box_dataset)
    stacked = VecFrameStack(DummyVecEnv([lambda: gym.make(env_id("box"))]), 4)
    with pytest.raises(ConfigError, match="log the stacked observations"):
        started(ppo(env=stacked), box_dataset)
    with pytest.raises(ConfigError, match="`adjustable` must be False with an agent"):
        started(ppo(), box_dataset, adjustable=True)
    broken = ppo()
    with th.no_grad():
        broken.policy.action_net.weight.fill_(np.nan)
    with pytest.raises(ConfigError, match="must act at all logged observations"):
        started(broken, box_dataset)
