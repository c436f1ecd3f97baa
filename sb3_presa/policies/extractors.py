"""SB3's extractor of Dict observations, for keys of any name."""

from typing import Any

import torch as th
from gymnasium import spaces
from stable_baselines3.common.torch_layers import CombinedExtractor


class AnyKeyCombinedExtractor(CombinedExtractor):
    """
    SB3's ``CombinedExtractor`` names a module after each key. PyTorch refuses names with a dot
    (``observation.state``, LeRobot's commonest key) or of its own attributes (``training``). Here
    modules have numbers; their outputs are the same.

    :param observation_space: a Dict space
    :param kwargs: as for ``CombinedExtractor``
    """

    def __init__(self, observation_space: spaces.Dict, **kwargs: Any) -> None:
        names = {f"part_{i:04d}": key for i, key in enumerate(observation_space.spaces)}
        numbered = {name: observation_space.spaces[key] for name, key in names.items()}
        super().__init__(spaces.Dict(numbered), **kwargs)
        self._observation_space = observation_space
        self._keys = names

    def forward(self, observations: dict[str, th.Tensor]) -> th.Tensor:
        """
        :param observations: preprocessed observations by key
        :return: features, (N, F)
        """
        return super().forward({name: observations[key] for name, key in self._keys.items()})
