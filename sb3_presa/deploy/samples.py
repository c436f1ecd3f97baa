"""Observations to try an exported agent on."""

from typing import Any, Final

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.preprocessing import is_image_space

from sb3_presa.data.transitions import Transitions
from sb3_presa.deploy.acting import OBSERVATION, space_by_key
from sb3_presa.policies.policy import OfflinePolicy

#: Observations that an export is tried on at most.
N_SAMPLES: Final = 4_096
#: Samples spread so many standard deviations around the mean of the training data.
_SPREAD: Final = 3.0

Parts = dict[str, NDArray[Any]]


def logged_observations(
    transitions: Transitions, policy: OfflinePolicy, channels_last: bool
) -> Parts:
    """
    :param transitions: a dataset's steps
    :param policy: the policy, whose space has the types
    :param channels_last: whether images are wanted with their channels last
    :return: at most 4,096 of the observations, evenly spaced, by input
    """
    n = len(transitions.actions)
    rows = np.unique(np.linspace(0, n - 1, min(n, N_SAMPLES)).astype(np.int64))
    logged = transitions.observations
    by_key = logged if isinstance(logged, dict) else {OBSERVATION: logged}
    found = {}
    for key, space in space_by_key(policy.observation_space).items():
        values = np.asarray(by_key[key][rows], dtype=space.dtype)
        if is_image_space(space):
            values = _oriented(values, space, channels_last)
        found[key] = values
    return found


def sampled_observations(policy: OfflinePolicy, channels_last: bool, n: int = 512) -> Parts:
    """
    :param policy: the policy
    :param channels_last: whether images are wanted with their channels last
    :param n: how many
    :return: samples of the observation space by input; of vectors, around the mean of the training
        data and as far out as they are cut
    """
    random = np.random.default_rng(0)
    standardizer = policy.actor.standardizer
    found = {}
    for number, (key, space) in enumerate(space_by_key(policy.observation_space).items()):
        space.seed(number)
        values = np.stack([np.asarray(space.sample()) for _ in range(n)])
        if key in standardizer.keys:
            place = standardizer.keys[key]
            mean, std = (getattr(standardizer, f"{s}_{place}").numpy() for s in ("mean", "std"))
            values = mean + _SPREAD * std * random.normal(size=values.shape)
            assert isinstance(space, spaces.Box)
            values = np.clip(values, space.low, space.high).astype(space.dtype)
        if is_image_space(space):
            values = _oriented(values, space, channels_last)
        found[key] = values
    return found


def _oriented(images: NDArray[Any], space: spaces.Space[Any], last: bool) -> NDArray[Any]:
    """Images as the export takes them; the policy's own space has channels first."""
    is_first = images.shape[1:] == space.shape
    if last and is_first:
        return np.moveaxis(images, 1, -1)
    return images if last or is_first else np.moveaxis(images, -1, 1)
