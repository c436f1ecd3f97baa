"""Make the environment that a dataset names, if it may."""

from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec
from minari import MinariDataset

from sb3_presa.envs.making import make_environment
from sb3_presa.envs.recorded import is_registered, require_registered
from sb3_presa.errors import DatasetError


def recover_environment(
    dataset: MinariDataset, *, trust: bool, eval_env: bool = False, **kwargs: Any
) -> gym.Env[Any, Any]:
    """
    The recorded environment. Minari's method of this name makes whatever the dataset names.

    :param dataset: the open dataset.
    :param trust: whether the dataset may name any code. If not, the environment must be registered
        here with the same code and arguments, as this package's and Gymnasium's are.
    :param eval_env: the one that the dataset is to be evaluated in, if it names one.
    :param kwargs: further arguments of ``gymnasium.make``.
    :return: the environment.
    :raises DatasetError: if it names none, or one that is not registered here.
    :raises ConfigError: if it cannot be made.
    """
    spec = recorded_spec(dataset, eval_env)
    if spec is None:
        raise DatasetError(f"dataset '{dataset.id}' must name its environment (env_spec), got None")
    require_registered(spec, trust, f"dataset '{dataset.id}': its")
    return make_environment(
        f"dataset '{dataset.id}'",
        lambda: dataset.recover_environment(eval_env=eval_env, **kwargs),
        "Install what it needs, or name an environment instead (--env ENV_ID)",
    )


def may_be_made(dataset: MinariDataset) -> bool:
    """Whether the recorded environment is registered here.

    :param dataset: the open dataset.
    """
    spec = recorded_spec(dataset)
    return spec is not None and is_registered(spec)


def recorded_spec(dataset: MinariDataset, eval_env: bool = False) -> EnvSpec | None:
    """The specification of an environment.

    :param dataset: the open dataset.
    :param eval_env: as of :func:`recover_environment`.
    :return: None if there is none.
    """
    found: EnvSpec | None = dataset.env_spec
    text = dataset.storage.metadata.get("eval_env_spec") if eval_env else None
    return found if text is None else EnvSpec.from_json(text)
