"""An environment that has spaces and nothing else, for SB3's code that wants one."""

from typing import Any

import gymnasium as gym
from stable_baselines3.common.vec_env import DummyVecEnv


class _SpacesEnv(gym.Env[Any, Any]):
    """Refuses to be stepped; resets to a sample of its observation space."""

    def __init__(self, observation_space: gym.Space[Any], action_space: gym.Space[Any]) -> None:
        self.observation_space = observation_space
        self.action_space = action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        raise RuntimeError(
            "`env` must be an environment to be stepped, got None: this model learns from a "
            "dataset. Pass one to evaluate in, for example "
            "evaluate_policy(model, dataset.recover_environment(eval_env=True))"
        )


class SpacesVecEnv(DummyVecEnv):
    """
    A stand-in for the training environment of an offline algorithm. SB3's ``learn`` and its
    callbacks ask the training environment for its type and its number of environments only.

    :param observation_space: the dataset's observation space
    :param action_space: the dataset's action space
    """

    def __init__(self, observation_space: gym.Space[Any], action_space: gym.Space[Any]) -> None:
        super().__init__([lambda: _SpacesEnv(observation_space, action_space)])

    def seed(self, seed: int | None = None) -> list[int | None]:
        """
        There is nothing random here; SB3 seeds every training environment.

        :param seed: ignored
        :return: one seed, as ``VecEnv.seed`` does
        """
        return [seed]
