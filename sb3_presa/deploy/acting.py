"""``predict(deterministic=True)`` as one module: from raw observations to actions."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch as th
from gymnasium import spaces
from stable_baselines3.common.preprocessing import is_image_space
from torch import nn

from sb3_presa.policies.policy import OfflinePolicy

#: Name of the input for observations that are not a Dict, whose inputs have the names of the keys.
OBSERVATION: Final = "observation"


class ActingModule(nn.Module):
    """
    A policy with what SB3 does around it: images are transposed, actions get their units.

    Of an observation that holds NaN, infinity or a class that its space does not have, which
    ``predict`` refuses, it makes an action that nobody can take for one: NaN, or one less than the
    lowest discrete action.

    :param policy: the policy
    :param channels_last: whether images come with their channels last
    """

    low: th.Tensor
    half_range: th.Tensor
    least: th.Tensor
    most: th.Tensor

    def __init__(self, policy: OfflinePolicy, channels_last: bool) -> None:
        super().__init__()
        self.policy = policy
        space = policy.action_space
        self.keys = keys_of(policy.observation_space)
        of_key = space_by_key(policy.observation_space)
        self._images = [channels_last and is_image_space(of_key[key]) for key in self.keys]
        self._classes: list[int] = []
        for number, key in enumerate(self.keys):
            if isinstance(part := of_key[key], spaces.Discrete | spaces.MultiDiscrete):
                n = part.n if isinstance(part, spaces.Discrete) else part.nvec  # they start at 0
                self.register_buffer(f"n_{number}", th.as_tensor(np.asarray(n).reshape(1, -1)))
                self._classes.append(number)
        if isinstance(space, spaces.Box):
            low, high = policy.action_low, policy.action_high
            bounds = (low, 0.5 * (high - low), space.low, space.high)
            for name, bound in zip(("low", "half_range", "least", "most"), bounds, strict=True):
                self.register_buffer(name, th.as_tensor(bound).clone())
            # Other runtimes' tanh exceeds 1; where 1 stands for the bound, cutting there is enough
            self._cut_once = policy.action_quantile is None

    def forward(self, *parts: th.Tensor) -> th.Tensor:
        """
        :param parts: raw observations, (N, ...): one tensor, or one a key, in the order of ``keys``
        :return: actions as ``predict`` gives them, (N, *shape)
        """
        inputs = [
            part.movedim(-1, 1) if is_image else part
            for part, is_image in zip(parts, self._images, strict=True)
        ]
        is_dict = isinstance(self.policy.observation_space, spaces.Dict)
        observations = dict(zip(self.keys, inputs, strict=True)) if is_dict else inputs[0]
        return self._in_units(self.policy._predict(observations, deterministic=True), parts)

    def _in_units(self, actions: th.Tensor, parts: Sequence[th.Tensor]) -> th.Tensor:
        # Few operations: for one observation each of them takes as long as a layer of the network
        space = self.policy.action_space
        # NaN where a number is not finite or a class unknown, 0 elsewhere, (N, 1)
        broken = [(p - p).flatten(1).sum(1, keepdim=True) for p in parts if p.is_floating_point()]
        broken += [self._unknown(number, parts[number]) for number in self._classes]
        poison = sum(broken[1:], broken[0]) if broken else None
        shape = (-1, *(space.shape or ()))
        if isinstance(space, spaces.Box):
            scaled = actions if self._cut_once else actions.clamp(-1.0, 1.0)
            scaled = scaled if len(shape) == 2 else scaled.reshape(shape)
            units = self.low + (scaled + 1.0) * self.half_range
            cut = units.to(self.least.dtype).clamp(self.least, self.most)
            if poison is None:
                return cut
            poison = poison if len(shape) == 2 else poison.reshape(-1, *(1 for _ in shape[1:]))
            # Last of all: OpenVINO's clamp makes the lower bound of NaN, which is an action
            return cut + poison.to(cut.dtype)
        actions = actions.long().reshape(shape)
        if poison is None:
            return actions
        lowest = th.as_tensor(np.asarray(space.start))  # type: ignore[attr-defined]
        poisoned = poison.isnan().reshape(-1, *(1 for _ in shape[1:]))
        return th.where(poisoned, lowest - 1, actions)

    def _unknown(self, number: int, part: th.Tensor) -> th.Tensor:
        """NaN where a part holds a class that its space does not have, 0 elsewhere, (N, 1)."""
        classes = part.flatten(1) if part.dim() > 1 else part.unsqueeze(1)
        known = ((classes >= 0) & (classes < self.get_buffer(f"n_{number}"))).all(1, keepdim=True)
        return th.where(known, 0.0, th.nan)


def keys_of(space: spaces.Space[Any]) -> tuple[str, ...]:
    """
    :param space: observation space
    :return: names of its parts in the order of the module's inputs
    """
    return tuple(space_by_key(space))


def space_by_key(space: spaces.Space[Any]) -> dict[str, spaces.Space[Any]]:
    """
    :param space: observation space
    :return: its parts by name
    """
    return dict(space.spaces) if isinstance(space, spaces.Dict) else {OBSERVATION: space}
