"""Plays an episode of an environment and keeps all of it."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np


def own_end(observation: Any, info: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The end of a step, also where the environment then reset itself (Gymnasium's ``same-step``).

    :param observation: The observation that the step returned: of the next episode, if so.
    :param info: Its info. ``final_obs`` and ``final_info`` belong to the episode that ended.
    :return: The observation and the info of the step itself.
    """
    if info.get("final_obs") is None:
        return observation, info
    return info["final_obs"], info.get("final_info", info)


def play_episode(
    env: gym.Env[Any, Any],
    seed: int,
    act: Callable[[Any], Any],
    options: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Act until an episode ends.

    :param env: The environment; its infos hold ``cost``.
    :param seed: The reset seed.
    :param act: Observation -> action inside the space.
    :param options: The reset options.
    :return: ``seed``, ``options``, ``terminated``, and arrays: ``observations`` (T + 1; of a Dict
        space, a dict of them), ``actions``, ``rewards`` and ``costs`` (T each).
    """
    observation, _ = env.reset(seed=seed, options=options)
    # Copies: an environment may give the same array, changed, at every step.
    observations, actions, rewards, costs = [copy.deepcopy(observation)], [], [], []
    terminated = truncated = False
    while not (terminated or truncated):
        action = act(observation)
        observation, reward, terminated, truncated, info = env.step(action)
        observation, info = own_end(observation, info)
        observations.append(copy.deepcopy(observation))
        actions.append(np.array(action))
        rewards.append(float(reward))
        costs.append(float(info["cost"]))
    return {
        "observations": _stacked(observations),
        "actions": np.asarray(actions),
        "rewards": np.asarray(rewards, dtype=np.float64),
        "costs": np.asarray(costs, dtype=np.float64),
        "terminated": terminated,
        "seed": seed,
        "options": options,
    }


def _stacked(observations: Sequence[Any]) -> Any:
    """One array of all observations, or one for each key."""
    if isinstance(observations[0], dict):
        keys = observations[0]
        return {key: np.asarray([each[key] for each in observations]) for key in keys}
    return np.asarray(observations)
