"""Action heads: from features to a distribution over actions, one class per kind of space."""

import math
from abc import ABC, abstractmethod

import numpy as np
import torch as th
from gymnasium import spaces
from torch import nn
from torch.nn import functional as F

from sb3_presa.errors import ConfigError

#: Logged actions at a bound would push a tanh mean to infinity.
_ACTION_MARGIN = 1e-5


class ActionHead(nn.Module, ABC):
    """
    The last layer of an actor. Actions are in the policy's own scale: [-1, 1] for ``Box``,
    integers from 0 for ``Discrete`` and ``MultiDiscrete``, always of shape (N, A).
    """

    @abstractmethod
    def log_prob(self, features: th.Tensor, actions: th.Tensor) -> th.Tensor:
        """
        :param features: (N, F)
        :param actions: (N, A)
        :return: log-probability (density for ``Box``) of each action, (N,)
        """

    @abstractmethod
    def mode(self, features: th.Tensor) -> th.Tensor:
        """
        :param features: (N, F)
        :return: the most likely actions, (N, A)
        """

    @abstractmethod
    def sample(self, features: th.Tensor) -> th.Tensor:
        """
        :param features: (N, F)
        :return: sampled actions, (N, A)
        """


class GaussianHead(ActionHead):
    """
    A Gaussian with a tanh mean and a fixed standard deviation. A learned one lets the policy
    sharpen around unsafe actions, and makes log-ratios grow without bound.

    :param features_dim: F
    :param action_space: of floats; bounds must be finite
    :param action_std: standard deviation in units of half the action range
    """

    def __init__(self, features_dim: int, action_space: spaces.Box, action_std: float) -> None:
        super().__init__()
        self.mean = nn.Linear(features_dim, math.prod(action_space.shape))
        self.action_std = action_std

    def log_prob(self, features: th.Tensor, actions: th.Tensor) -> th.Tensor:
        actions = actions.clamp(-1.0 + _ACTION_MARGIN, 1.0 - _ACTION_MARGIN)
        distance = (actions - self.mode(features)).float()
        log_scale = math.log(self.action_std) + 0.5 * math.log(2.0 * math.pi)
        squared = distance.square().sum(-1)
        return -0.5 / self.action_std**2 * squared - actions.shape[-1] * log_scale

    def mode(self, features: th.Tensor) -> th.Tensor:
        return th.tanh(self.mean(features))

    def sample(self, features: th.Tensor) -> th.Tensor:
        mean = self.mode(features)
        return (mean + self.action_std * th.randn_like(mean)).clamp(-1.0, 1.0)


class CategoricalHead(ActionHead):
    """
    Independent categorical distributions, one per action dimension.

    :param features_dim: F
    :param n_choices: number of choices of each action dimension, A numbers
    """

    def __init__(self, features_dim: int, n_choices: list[int]) -> None:
        super().__init__()
        self.n_choices = n_choices
        self.logits = nn.Linear(features_dim, sum(n_choices))

    def _log_probs(self, features: th.Tensor) -> list[th.Tensor]:
        logits = self.logits(features).float().split(self.n_choices, dim=-1)
        return [F.log_softmax(part, dim=-1) for part in logits]

    def log_prob(self, features: th.Tensor, actions: th.Tensor) -> th.Tensor:
        columns = actions.long().split(1, dim=-1)
        parts = self._log_probs(features)
        return th.cat([p.gather(-1, a) for p, a in zip(parts, columns, strict=True)], -1).sum(-1)

    def mode(self, features: th.Tensor) -> th.Tensor:
        return th.stack([part.argmax(-1) for part in self._log_probs(features)], dim=-1)

    def sample(self, features: th.Tensor) -> th.Tensor:
        parts = [th.multinomial(part.exp(), 1) for part in self._log_probs(features)]
        return th.cat(parts, dim=-1)


def make_action_head(
    features_dim: int, action_space: spaces.Space[object], action_std: float
) -> ActionHead:
    """
    :param features_dim: F
    :param action_space: ``Box`` with finite bounds, ``Discrete`` or ``MultiDiscrete``
    :param action_std: standard deviation for ``Box``
    :return: the head for that space
    :raises ConfigError: for any other space
    """
    check_action_space(action_space)
    if isinstance(action_space, spaces.Box):
        return GaussianHead(features_dim, action_space, action_std)
    if isinstance(action_space, spaces.Discrete):
        return CategoricalHead(features_dim, [int(action_space.n)])
    assert isinstance(action_space, spaces.MultiDiscrete)
    return CategoricalHead(features_dim, [int(n) for n in action_space.nvec])


def check_action_space(action_space: spaces.Space[object]) -> None:
    """
    :param action_space: the space to check
    :raises ConfigError: if the space is not supported
    """
    if isinstance(action_space, spaces.Box):
        if not np.issubdtype(action_space.dtype, np.floating):
            raise ConfigError(
                "the action space must be a Box of floats, Discrete or MultiDiscrete, got "
                f"{action_space}: scaling integers to [-1, 1] and back rounds and overflows. "
                "Store the actions as floats or as Discrete"
            )
        if action_space.shape == ():
            raise ConfigError(
                "the action space must have at least one axis, got "
                f"{action_space}; reshape the actions to (1,)"
            )
        if not action_space.is_bounded("both"):
            raise ConfigError(
                f"the action space must have finite bounds, got {action_space}: actions are scaled "
                "to [-1, 1]. Store the dataset with a bounded Box"
            )
        if not (action_space.low < action_space.high).all():
            raise ConfigError(
                "the action space must have low < high in every dimension, got "
                f"{action_space}; remove constant dimensions from the actions"
            )
        return
    if isinstance(action_space, spaces.MultiDiscrete) and action_space.nvec.ndim > 1:
        raise ConfigError(
            f"a MultiDiscrete action space must have one axis, got {action_space.nvec.ndim} axes "
            f"({action_space}); flatten it"
        )
    if not isinstance(action_space, spaces.Discrete | spaces.MultiDiscrete):
        raise ConfigError(
            f"the action space must be Box, Discrete or MultiDiscrete, got {action_space}"
        )
