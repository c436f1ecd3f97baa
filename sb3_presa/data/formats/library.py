"""Libraries that only some formats need."""

from importlib import import_module
from typing import Any

from sb3_presa.errors import ConfigError


def require(module: str, extra: str) -> Any:
    """Import a library, or say how to get it.

    :param module: its name.
    :param extra: the extra of this package that has it.
    :raises ConfigError: if it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"this format needs {module.partition('.')[0]}: pip install 'sb3_presa[{extra}]' "
            f"({error})"
        ) from error
