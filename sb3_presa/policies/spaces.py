"""The checks of spaces that SB3 makes on environments, made on datasets too."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.preprocessing import (
    check_for_nested_spaces,
    is_image_space,
    is_image_space_channels_first,
)
from stable_baselines3.common.torch_layers import (
    CombinedExtractor,
    FlattenExtractor,
    NatureCNN,
)
from stable_baselines3.common.vec_env import VecEnv, VecTransposeImage, unwrap_vec_normalize

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


def check_policy_fits(
    policy: str | type[BasePolicy],
    policy_class: type[BasePolicy],
    policy_kwargs: Mapping[str, Any],
    space: spaces.Space[Any],
) -> None:
    """
    :param policy: what the user named as policy, for the message
    :param policy_class: the class that it stands for
    :param policy_kwargs: arguments of the policy
    :param space: observation space
    :raises ConfigError: for a Dict space with a policy for plain ones, and the other way round; for
        observations that SB3's preprocessing does not take
    """
    # What can be told is whether SB3's own extractors fit; one of the user's own may take anything
    extractor = policy_kwargs.get("features_extractor_class")
    extractor = extractor or getattr(policy_class, "default_features_extractor_class", None)
    extractor_kwargs = policy_kwargs.get("features_extractor_kwargs") or {}
    name = repr(policy if isinstance(policy, str) else policy.__name__)
    for part in space.spaces.values() if isinstance(space, spaces.Dict) else [space]:
        if isinstance(part, spaces.Discrete) and part.start != 0:
            raise ConfigError(f"the observations {part} count from {part.start}; allowed is from 0")
    if isinstance(space, spaces.Dict):
        if extractor in (FlattenExtractor, NatureCNN):
            raise ConfigError(
                f"the observations are a dictionary ({', '.join(space.spaces)}), which "
                f"{extractor.__name__} does not take: use 'MultiInputPolicy', not {name}"
            )
        return
    if extractor is CombinedExtractor:
        raise ConfigError(f"{space} is not a dictionary: use 'MlpPolicy' or 'CnnPolicy'")
    normalized = extractor_kwargs.get("normalized_image", False)
    if extractor is NatureCNN and not is_image_space(space, normalized_image=normalized):
        raise ConfigError(
            f"{name} wants images (uint8, 0 to 255, 36 x 36 or larger), found {space}: use "
            "'MlpPolicy'"
        )


def check_not_normalized(env: VecEnv) -> None:
    """
    :param env: a vector of environments
    :raises ConfigError: if it normalises observations, which the policy does itself
    """
    normalizer = unwrap_vec_normalize(env)
    if normalizer is not None and normalizer.norm_obs:
        raise ConfigError(
            "the environment is wrapped in VecNormalize with norm_obs=True; an offline policy "
            "standardises observations with the dataset's statistics and takes raw ones. Pass "
            "the environment without it."
        )


def check_fits(
    model: BaseAlgorithm,
    observation_space: spaces.Space[Any],
    action_space: spaces.Space[Any],
    owner: str = "dataset",
) -> None:
    """
    :param model: a model that has its spaces
    :param observation_space: of the dataset or environment, images with their channels first
    :param action_space: of the same
    :param owner: ``"dataset"`` or ``"environment"``
    :raises DatasetError: if a dataset does not fit, see :func:`check_same_spaces`
    :raises ConfigError: if an environment does not
    """
    check_same_spaces(
        model.observation_space, observation_space, "observation space", bounds=False, owner=owner
    )
    check_same_spaces(model.action_space, action_space, "action space", bounds=True, owner=owner)


def check_same_spaces(
    model: spaces.Space[Any],
    found: spaces.Space[Any],
    name: str,
    *,
    bounds: bool,
    owner: str = "dataset",
) -> None:
    """
    Checks that a dataset or an environment fits a model. Dtypes of a ``Box`` may differ
    (recorded data are often float32 where the environment is float64), and bounds of
    observations, which nothing depends on. Bounds of actions may not: actions are scaled by them.

    :param model: the space of the model
    :param found: the space of the dataset or environment
    :param name: which space, for the message
    :param bounds: whether bounds must agree (within the rounding of float32)
    :param owner: whose space was found, for the message
    :raises DatasetError: if a dataset does not fit
    :raises ConfigError: if an environment does not
    """
    if isinstance(model, spaces.Dict) and isinstance(found, spaces.Dict):
        same = model.spaces.keys() == found.spaces.keys()
        if same:
            for key in model.spaces:
                part = f"{name}[{key!r}]"
                check_same_spaces(model[key], found[key], part, bounds=bounds, owner=owner)
    elif isinstance(model, spaces.Box) and isinstance(found, spaces.Box):
        same = model.shape == found.shape and (
            not bounds
            or (np.allclose(model.low, found.low) and np.allclose(model.high, found.high))
        )
    else:
        same = model == found
    if not same:
        error = DatasetError if owner == "dataset" else ConfigError
        raise error(f"the {name} of the {owner} is {found}, that of the model is {model}")


def check_action_space(action_space: spaces.Space[object]) -> None:
    """
    :param action_space: the space to check
    :raises ConfigError: if no head fits it
    """
    if isinstance(action_space, spaces.Box):
        if not np.issubdtype(action_space.dtype, np.floating):
            raise ConfigError(
                f"the actions of {action_space} are whole numbers, and scaling them to [-1, 1] and "
                "back rounds and overflows; allowed are Box of floats, Discrete and MultiDiscrete. "
                "Give the dataset one of these."
            )
        if action_space.shape == ():
            raise ConfigError(f"the action space {action_space} has no axis; give it one, (1,)")
        if not action_space.is_bounded("both"):
            raise ConfigError(
                f"the action space {action_space} has no finite bounds; log-probabilities are "
                "taken over actions scaled to [-1, 1]. Give the dataset a bounded Box."
            )
        if not (action_space.low < action_space.high).all():
            raise ConfigError(
                f"the action space {action_space} has a dimension whose low is its high; there is "
                "nothing to learn in it. Leave it out of the actions."
            )
        return
    if isinstance(action_space, spaces.MultiDiscrete) and action_space.nvec.ndim > 1:
        raise ConfigError(f"{action_space} has {action_space.nvec.ndim} axes; flatten it to one")
    if not isinstance(action_space, spaces.Discrete | spaces.MultiDiscrete):
        raise ConfigError(
            f"the action space {action_space} is not supported; allowed are Box, Discrete and "
            "MultiDiscrete"
        )
