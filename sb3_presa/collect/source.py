"""Probes the environment of a collection before it starts."""

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

from sb3_presa.collect.playing import own_end
from sb3_presa.collect.recipe import CollectRecipe
from sb3_presa.envs import Task, find_task
from sb3_presa.envs.making import make_environment
from sb3_presa.errors import ConfigError, DatasetError

_PROBE_STEPS = 200


@dataclass(frozen=True)
class Source:
    """The environment of a collection.

    :param spec: Its Gymnasium spec, which the dataset records.
    :param observation_space: Its observation space, a Box.
    :param action_space: Its action space, a Box or Discrete.
    :param task: Its row of the benchmark's table, if it has one.
    :param reward_scale: Scales the reward of a very good agent to about 1 per step.
    :param max_cost: The largest cost return of interest.
    """

    spec: EnvSpec
    observation_space: gym.Space[Any]
    action_space: gym.Space[Any]
    task: Task | None
    reward_scale: float
    max_cost: float

    @classmethod
    def probe(cls, env_id: str, recipe: CollectRecipe) -> "Source":
        """Make and step the environment, so that unsuitable ones fail here with a clear message.

        :param env_id: A Gymnasium id.
        :param recipe: The collection's recipe.
        :return: The environment's properties.
        :raises ConfigError: If the time limit is missing, or the spaces are not supported.
        :raises DatasetError: If the costs are missing.
        """
        env = make_environment(env_id, lambda: gym.make(env_id))
        try:
            return cls._of(env_id, env, recipe)
        finally:
            env.close()

    @classmethod
    def _of(cls, env_id: str, env: gym.Env[Any, Any], recipe: CollectRecipe) -> "Source":
        if env.spec is None or env.spec.max_episode_steps is None:
            raise ConfigError(
                f"{env_id} must have a time limit (max_episode_steps), got None; set it when you "
                "register the environment"
            )
        for name, space, allowed in (
            ("observation", env.observation_space, (gym.spaces.Box,)),
            ("action", env.action_space, (gym.spaces.Box, gym.spaces.Discrete)),
        ):
            if not isinstance(space, allowed):
                kinds = " or ".join(kind.__name__ for kind in allowed)
                raise ConfigError(f"the {name} space of {env_id} must be {kinds}, got {space}")
        actions = env.action_space
        if recipe.action_bits is not None and not _is_bounded_box(actions):
            raise ConfigError(
                f"`action_bits` must be None unless actions are a bounded Box, got "
                f"{recipe.action_bits} and {actions} ({env_id})"
            )
        task = find_task(env_id)
        mean_reward = _mean_absolute_reward(env_id, env)
        _check_spec(env_id, env.spec)
        scale = 1.0 / max(mean_reward, 1e-8)
        max_cost = float(env.spec.max_episode_steps)
        if task is not None:
            scale = task.horizon / (task.reward_max - task.reward_min)
            max_cost = task.dataset_max_cost
        if recipe.cost_range is not None:
            max_cost = recipe.cost_range[1]
        return cls(env.spec, env.observation_space, env.action_space, task, scale, max_cost)


def _check_spec(env_id: str, spec: EnvSpec) -> None:
    """The dataset names its environment, which shows only when it is written."""
    try:
        spec.to_json()
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"{env_id} must be registered with a text 'module:Class' as its entry point and with "
            f"arguments that JSON can hold, got {spec.entry_point!r} and {spec.kwargs}"
        ) from error


def _is_bounded_box(space: gym.Space[Any]) -> bool:
    return (
        isinstance(space, gym.spaces.Box)
        and np.issubdtype(space.dtype, np.floating)
        and space.is_bounded()
    )


def _mean_absolute_reward(env_id: str, env: gym.Env[Any, Any]) -> float:
    """The mean absolute reward of random actions; also checks that every step has a cost."""
    env.action_space.seed(0)
    env.reset(seed=0)
    rewards = []
    for step in range(_PROBE_STEPS):
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        _, info = own_end(observation, info)
        if "cost" not in info:
            raise DatasetError(
                f"the info of every step of {env_id} must contain 'cost', got the keys "
                f"{sorted(info)} (step {step})"
            )
        rewards.append(abs(float(reward)))
        if terminated or truncated:
            env.reset()
    return float(np.mean(rewards))
