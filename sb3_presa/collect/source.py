"""What a collection must know of its environment before it starts."""

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

from sb3_presa.collect.recipe import CollectRecipe
from sb3_presa.envs import Task, find_task
from sb3_presa.errors import ConfigError, DatasetError

_PROBE_STEPS = 200


@dataclass(frozen=True)
class Source:
    """The environment of a collection.

    :param spec: Its Gymnasium spec, which the dataset records.
    :param observation_space: Its observation space, a Box.
    :param action_space: Its action space, a Box or Discrete.
    :param task: Its row of the benchmark's table, if it has one.
    :param reward_scale: Factor that brings a very good agent's reward to about 1 a step.
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
        """Make and step the environment once, so that what cannot work fails here and in words.

        :param env_id: A Gymnasium id.
        :param recipe: The collection's recipe.
        :return: What was found.
        :raises ConfigError: If the environment has no time limit, or spaces that cannot be used.
        :raises DatasetError: If it gives no costs.
        """
        env = gym.make(env_id)
        try:
            return cls._of(env_id, env, recipe)
        finally:
            env.close()

    @classmethod
    def _of(cls, env_id: str, env: gym.Env[Any, Any], recipe: CollectRecipe) -> "Source":
        if env.spec is None or env.spec.max_episode_steps is None:
            raise ConfigError(f"{env_id} has no max_episode_steps; a recorded episode must end")
        for name, space, allowed in (
            ("observations", env.observation_space, (gym.spaces.Box,)),
            ("actions", env.action_space, (gym.spaces.Box, gym.spaces.Discrete)),
        ):
            if not isinstance(space, allowed):
                kinds = " or ".join(kind.__name__ for kind in allowed)
                raise ConfigError(f"{env_id} has {name} of {space}; collecting needs {kinds}")
        task = find_task(env_id)
        mean_reward = _mean_absolute_reward(env_id, env)
        scale = 1.0 / max(mean_reward, 1e-8)
        max_cost = float(env.spec.max_episode_steps)
        if task is not None:
            scale = task.horizon / (task.reward_max - task.reward_min)
            max_cost = task.dataset_max_cost
        if recipe.cost_range is not None:
            max_cost = recipe.cost_range[1]
        return cls(env.spec, env.observation_space, env.action_space, task, scale, max_cost)


def _mean_absolute_reward(env_id: str, env: gym.Env[Any, Any]) -> float:
    """Of random actions; checks on the way that every step has a cost."""
    env.action_space.seed(0)
    env.reset(seed=0)
    rewards = []
    for step in range(_PROBE_STEPS):
        _, reward, terminated, truncated, info = env.step(env.action_space.sample())
        if "cost" not in info:
            raise DatasetError(
                f"{env_id} gives no cost: the info of step {step} has the keys {sorted(info)}, "
                "and 'cost' is needed"
            )
        rewards.append(abs(float(reward)))
        if terminated or truncated:
            env.reset()
    return float(np.mean(rewards))
