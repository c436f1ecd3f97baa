"""An agent of Stable-Baselines3 as the reference: what it would do where something was logged."""

from typing import Any, Final

import numpy as np
import torch as th
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecNormalize

from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError
from sb3_presa.learning.losses import LossAndState
from sb3_presa.learning.phases import Clone
from sb3_presa.policies.spaces import channels_first, check_same_spaces

_CHUNK: Final = 4_096


def agent_actions(
    agent: BaseAlgorithm, transitions: Transitions, vec_normalize: VecNormalize | None
) -> NDArray[Any]:
    """
    :param agent: PPO, SAC or another model with ``predict``
    :param transitions: where to ask it
    :param vec_normalize: the statistics that the agent's observations were normalised with
    :return: its action at each logged observation, (N, *shape): the most likely one for ``Box``,
        whose deviation is the policy's own; a sample of its distribution for discrete actions
    :raises ConfigError: if the agent or the statistics have other spaces than the data, or it acts
        with NaN
    """
    _check_spaces(agent, transitions)
    if vec_normalize is None and agent.get_vec_normalize_env() is not None:
        vec_normalize = agent.get_vec_normalize_env()
    if vec_normalize is not None and vec_normalize.norm_obs:
        _check_normalises(vec_normalize, transitions)
    is_box = isinstance(transitions.action_space, spaces.Box)
    logged, n = transitions.observations, len(transitions.actions)
    found = []
    for first in range(0, n, _CHUNK):
        rows = slice(first, min(first + _CHUNK, n))
        some: Any = (
            {key: values[rows] for key, values in logged.items()}
            if isinstance(logged, dict)
            else logged[rows]
        )
        if vec_normalize is not None and vec_normalize.norm_obs:
            some = vec_normalize.normalize_obs(some)
        try:
            actions, _ = agent.predict(some, deterministic=is_box)
            if not np.isfinite(actions).all():
                raise ValueError("actions of NaN or infinity")
        except ValueError as error:
            raise ConfigError(
                f"`agent` must act at all logged observations, got {error}"
            ) from error
        found.append(actions)
    return np.concatenate(found)


def _check_spaces(agent: BaseAlgorithm, transitions: Transitions) -> None:
    if not hasattr(agent, "observation_space"):
        raise ConfigError(
            "`agent` must be a model of Stable-Baselines3, as PPO.load('ppo.zip') gives it, got "
            f"{type(agent).__name__}"
        )
    try:
        _check_observed(agent.observation_space, transitions, "agent")
        check_same_spaces(
            transitions.action_space, agent.action_space, "action space", bounds=True, owner="agent"
        )
    except ConfigError as error:
        hint = ""
        if _may_be_stacked(agent.observation_space, transitions.observation_space):
            hint = "; if it sees stacked frames (VecFrameStack), log the stacked observations"
        raise ConfigError(f"`agent` must have the spaces of the dataset: {error}{hint}") from error


def _may_be_stacked(own: spaces.Space[Any], logged: spaces.Space[Any]) -> bool:
    if not (isinstance(own, spaces.Box) and isinstance(logged, spaces.Box)):
        return False
    axes = list(zip(own.shape, logged.shape, strict=False))
    return len(own.shape) == len(logged.shape) and any(n > m and n % m == 0 for n, m in axes)


def _check_normalises(vec_normalize: VecNormalize, transitions: Transitions) -> None:
    try:
        _check_observed(vec_normalize.observation_space, transitions, "environment")
    except ConfigError as error:
        raise ConfigError(
            "`vec_normalize` must normalise what was logged, as where it is the outermost wrapper "
            f"of the agent's environment: {error}"
        ) from error


def _check_observed(own: spaces.Space[Any], transitions: Transitions, owner: str) -> None:
    logged = channels_first(transitions.observation_space)
    name = "observation space"
    check_same_spaces(logged, channels_first(own), name, bounds=False, owner=owner)


class Imitate(Clone):
    """
    Cloning of an agent: the mean negative log-likelihood of its actions at logged observations.

    :param targets: its actions in the policy's scale, (N, A)
    :param kwargs: as for :class:`~sb3_presa.learning.phases.Clone`
    """

    def __init__(self, *args: Any, targets: th.Tensor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.targets = targets

    def loss(self, batch: th.Tensor) -> LossAndState:
        observations = self.source.observations_at(batch)
        with self.autocast():
            log_prob = self.policy.actor.log_prob(observations, self.targets[batch])
            return self.loss_of(log_prob, batch)
