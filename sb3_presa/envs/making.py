"""Make an environment that a user, a file or a dataset names, or say why not in one line."""

from collections.abc import Callable
from typing import Any

import gymnasium as gym

from sb3_presa.errors import ConfigError, PresaError


def make_environment(
    name: str, make: Callable[[], gym.Env[Any, Any]], remedy: str = ""
) -> gym.Env[Any, Any]:
    """
    :param name: The environment, or what names it, for the message.
    :param make: Makes it.
    :param remedy: What to do where it cannot be made.
    :return: The environment.
    :raises ConfigError: If it cannot be made: it is not registered, a module or a wrapper is
        missing, an argument has another name. Errors of this package are raised as they are.
    """
    try:
        return make()
    except PresaError:
        raise
    except Exception as error:  # an environment may raise anything
        cause = " ".join(str(error).split()) or "no reason given"
        raise ConfigError(
            f"the environment of {name} cannot be made: {type(error).__name__}: {cause}"
            + (f". {remedy}" if remedy else "")
        ) from error
