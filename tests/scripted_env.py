"""Small environments whose rewards and costs are known, and a policy that needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

Step = tuple[float, Any]  # reward, info["cost"]


class ScriptedEnv(gym.Env[np.ndarray, np.ndarray]):
    """
    Plays the given episodes in turn, whatever the actions are. A reset without a step repeats
    nothing: the next episode begins when one has been played to its end.

    :param episodes: Each a sequence of (reward, cost). A cost of ``None`` leaves the key out.
    :param env_id: The id in the environment's spec; its entry point does not pickle.
    :param success: What ``info["is_success"]`` says at an episode's end, left out if ``None``.
    """

    def __init__(
        self,
        episodes: Sequence[Sequence[Step]],
        env_id: str | None = None,
        success: bool | None = None,
    ) -> None:
        self.observation_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.action_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
        if env_id is not None:
            self.spec = EnvSpec(env_id, entry_point=lambda **_: ScriptedEnv(episodes))
        self.episodes = episodes
        self.success = success
        self.seeds: list[int | None] = []
        self.episode = 0
        self.step_index = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.seeds.append(seed)
        self.step_index = 0
        return np.zeros(2, np.float32), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        steps = self.episodes[self.episode % len(self.episodes)]
        reward, cost = steps[self.step_index]
        self.step_index += 1
        done = self.step_index == len(steps)
        info = {} if cost is None else {"cost": cost}
        if done:
            self.episode += 1
            if self.success is not None:
                info["is_success"] = self.success
        return np.full(2, 0.5, np.float32), reward, done, False, info


class RandomEnv(ScriptedEnv):
    """Five steps an episode, the cost of each drawn from the environment's own generator."""

    def __init__(self) -> None:
        super().__init__([[(1.0, 0.0)] * 5])

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, _ = super().step(action)
        return observation, reward, terminated, truncated, {"cost": self.np_random.random()}


class LifeLostWrapper(gym.Wrapper[Any, Any, Any, Any]):
    """Says "done" after every second step, as Atari's wrapper does when a life is lost."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        self.over = True
        self.steps = 0

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        if self.over:
            return super().reset(**kwargs)
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = super().step(action)
        self.over = terminated
        self.steps += 1
        return observation, reward, terminated or self.steps % 2 == 0, truncated, info


class ZeroPolicy:
    """Has SB3's ``predict``; always acts 0."""

    def predict(
        self,
        observation: np.ndarray | dict[str, np.ndarray],
        state: tuple[np.ndarray, ...] | None = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...] | None]:
        assert isinstance(observation, np.ndarray)
        return np.zeros((len(observation), 1), np.float32), None
