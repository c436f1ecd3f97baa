"""The checks of spaces that SB3 makes on environments, made on datasets."""

from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.preprocessing import (
    check_for_nested_spaces,
    is_image_space,
    is_image_space_channels_first,
)
from stable_baselines3.common.vec_env import VecTransposeImage

from sb3_presa.errors import ConfigError, DatasetError


def channels_first(space: spaces.Space[Any]) -> spaces.Space[Any]:
    """
    The space as SB3's policies see it: images with their channels first.

    :param space: observation space of a dataset
    :return: the same space, image parts transposed where their channels are last
    """
    check_for_nested_spaces(space)
    if isinstance(space, spaces.Dict):
        return spaces.Dict({key: channels_first(part) for key, part in space.spaces.items()})
    if is_image_space(space) and not is_image_space_channels_first(space):  # type: ignore[arg-type]
        return VecTransposeImage.transpose_space(space)  # type: ignore[arg-type]
    return space


def check_policy_fits(policy: object, space: spaces.Space[Any]) -> None:
    """
    :param policy: what the user named as policy, a string or a class
    :param space: observation space
    :raises ConfigError: for a Dict space with a policy for plain ones, and the other way round
    """
    if isinstance(space, spaces.Dict) and policy in ("MlpPolicy", "CnnPolicy"):
        raise ConfigError(
            f"the observations are a dictionary ({', '.join(space.spaces)}): use "
            f"'MultiInputPolicy', not {policy!r}"
        )
    if not isinstance(space, spaces.Dict) and policy == "MultiInputPolicy":
        raise ConfigError(f"{space} is not a dictionary: use 'MlpPolicy' or 'CnnPolicy'")
    if policy == "CnnPolicy" and not is_image_space(space):
        raise ConfigError(
            f"'CnnPolicy' wants images (uint8, 0 to 255, 36 x 36 or larger), found {space}: use "
            "'MlpPolicy'"
        )


def check_same_spaces(
    model: spaces.Space[Any], dataset: spaces.Space[Any], name: str, *, bounds: bool
) -> None:
    """
    Checks that a dataset fits a model or an environment. Dtypes of a ``Box`` may differ
    (recorded data are often float32 where the environment is float64), and bounds of
    observations, which nothing depends on. Bounds of actions may not: actions are scaled by them.

    :param model: the space of the model
    :param dataset: the space of the dataset
    :param name: which space, for the message
    :param bounds: whether bounds must agree (within the rounding of float32)
    :raises DatasetError: if they do not fit
    """
    if isinstance(model, spaces.Dict) and isinstance(dataset, spaces.Dict):
        same = model.spaces.keys() == dataset.spaces.keys()
        if same:
            for key in model.spaces:
                check_same_spaces(model[key], dataset[key], f"{name}[{key!r}]", bounds=bounds)
    elif isinstance(model, spaces.Box) and isinstance(dataset, spaces.Box):
        same = model.shape == dataset.shape and (
            not bounds
            or (np.allclose(model.low, dataset.low) and np.allclose(model.high, dataset.high))
        )
    else:
        same = model == dataset
    if not same:
        raise DatasetError(f"the {name} of the dataset is {dataset}, that of the model is {model}")
