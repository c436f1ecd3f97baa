"""SB3's checks of an environment's spaces, for datasets too."""

from collections.abc import Iterator, Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import NormalizeObservation
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

from sb3_presa.data.spaces import check_observation_space
from sb3_presa.errors import ConfigError, DatasetError
from sb3_presa.policies.extractors import AnyKeyCombinedExtractor

#: The convolutions of NatureCNN leave nothing of a smaller image.
_LEAST_SIDE = 36


def channels_first(space: spaces.Space[Any]) -> spaces.Space[Any]:
    """
    The space in the format of SB3's policies: images with their channels first.

    :param space: observation space of a dataset
    :return: the same space, with channels-last images transposed
    """
    check_for_nested_spaces(space)
    if isinstance(space, spaces.Dict):
        return spaces.Dict({key: channels_first(part) for key, part in space.spaces.items()})
    if is_image_space(space) and not is_image_space_channels_first(space):  # type: ignore[arg-type]
        return VecTransposeImage.transpose_space(space)  # type: ignore[arg-type]
    return space


def fitting_policy(space: spaces.Space[Any]) -> str:
    """
    The name of the policy that SB3 has for a kind of observations.

    :param space: observation space
    :return: ``"MultiInputPolicy"`` for a Dict, ``"CnnPolicy"`` for images of at least 36 x 36,
        ``"MlpPolicy"`` for everything else
    """
    if isinstance(space, spaces.Dict):
        return "MultiInputPolicy"
    return "CnnPolicy" if is_image_space(space) and _is_large(space) else "MlpPolicy"


def _is_large(image: spaces.Space[Any]) -> bool:
    """Whether both sides are as long as NatureCNN needs, wherever the channels stand."""
    assert image.shape is not None
    return sorted(image.shape)[1] >= _LEAST_SIDE


def check_policy_fits(
    policy: str | type[BasePolicy],
    policy_class: type[BasePolicy],
    policy_kwargs: Mapping[str, Any],
    space: spaces.Space[Any],
) -> None:
    """
    :param policy: the policy argument of the user, for the message
    :param policy_class: its class
    :param policy_kwargs: arguments of the policy
    :param space: observation space
    :raises ConfigError: for a Dict space with a policy for plain ones, and vice versa; for
        observations that SB3's preprocessing does not support
    """
    # Only SB3's own extractors are checked; a custom one may support any space
    extractor = policy_kwargs.get("features_extractor_class")
    extractor = extractor or getattr(policy_class, "default_features_extractor_class", None)
    extractor_kwargs = policy_kwargs.get("features_extractor_kwargs") or {}
    name = repr(policy if isinstance(policy, str) else policy.__name__)
    check_observation_space(space)
    if isinstance(space, spaces.Dict):
        if extractor in (FlattenExtractor, NatureCNN):
            raise ConfigError(
                "the policy must be 'MultiInputPolicy' for Dict observations "
                f"({', '.join(space.spaces)}), got {name} with {extractor.__name__}"
            )
        if extractor in (CombinedExtractor, AnyKeyCombinedExtractor):
            for key, part in space.spaces.items():
                if is_image_space(part) and not _is_large(part):
                    raise ConfigError(
                        f"images of at least {_LEAST_SIDE} x {_LEAST_SIDE} are needed for {name}, "
                        f"got {key!r}: {part}; enlarge them, or store them as vectors"
                    )
        return
    if extractor and issubclass(extractor, CombinedExtractor):
        raise ConfigError(
            "the policy must be 'MlpPolicy' or 'CnnPolicy' for observations that are not a Dict, "
            f"got {name} for {space}"
        )
    normalized = extractor_kwargs.get("normalized_image", False)
    is_image = is_image_space(space, normalized_image=normalized)
    if extractor is NatureCNN and not (is_image and _is_large(space)):
        raise ConfigError(
            f"observations must be images (uint8, 0 to 255, 36 x 36 or larger) for {name}, got "
            f"{space}; use 'MlpPolicy'"
        )


def check_not_normalized(env: gym.Env[Any, Any] | VecEnv) -> None:
    """
    :param env: an environment, or a vector of them
    :raises ConfigError: if it normalises observations
    """
    inner = getattr(env.unwrapped, "envs", []) if isinstance(env, VecEnv) else [env]
    wrappers = [wrapper for one in inner for wrapper in _wrappers(one)]
    normalizer = unwrap_vec_normalize(env) if isinstance(env, VecEnv) else None
    found = ""
    if normalizer is not None and normalizer.norm_obs:
        found = "VecNormalize with norm_obs=True"
    elif any(isinstance(wrapper, NormalizeObservation) for wrapper in wrappers):
        found = "NormalizeObservation"
    if found:
        raise ConfigError(
            f"`env` must return raw observations, got {found}: the policy standardises them with "
            "the dataset's statistics. Pass the environment without it"
        )


def _wrappers(env: gym.Env[Any, Any]) -> Iterator[gym.Env[Any, Any]]:
    while isinstance(env, gym.Wrapper):
        yield env
        env = env.env


def check_fits(
    agent: object,
    observation_space: spaces.Space[Any],
    action_space: spaces.Space[Any],
    owner: str = "dataset",
) -> None:
    """
    :param agent: what acts; without spaces of its own, as a function's, it fits
    :param observation_space: that of the dataset or environment, images with their channels first
        or last
    :param action_space: that of the dataset or environment
    :param owner: ``"dataset"``, or what else has the spaces
    :raises DatasetError: if a dataset's spaces differ, see :func:`check_same_spaces`
    :raises ConfigError: if another owner's spaces differ
    """
    observed, acted = (getattr(agent, f"{kind}_space", None) for kind in ("observation", "action"))
    if observed is not None:
        own, found = channels_first(observed), channels_first(observation_space)
        check_same_spaces(own, found, "observation space", bounds=False, owner=owner)
    if acted is not None:
        check_same_spaces(acted, action_space, "action space", bounds=True, owner=owner)


def check_same_spaces(
    model: spaces.Space[Any],
    found: spaces.Space[Any],
    name: str,
    *,
    bounds: bool,
    owner: str = "dataset",
) -> None:
    """
    Checks that a dataset's or an environment's space equals that of a model. The dtype of a ``Box``
    may differ (recorded data are often float32 if the environment is float64). Bounds of
    observations may differ, too. Bounds of actions may not: actions are scaled by them.

    :param model: the space of the model
    :param found: the space of the dataset or environment
    :param name: name of the space, for the message
    :param bounds: whether bounds must be equal (within the rounding of float32)
    :param owner: owner of the space, for the message
    :raises DatasetError: if a dataset's space differs
    :raises ConfigError: if an environment's space differs
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
        raise error(f"the {name} of the {owner} must equal that of the model, {model}, got {found}")
