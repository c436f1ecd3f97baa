"""Code that a file names runs only if it is here already, or if the file is trusted."""

import sys

from sb3_presa.errors import ConfigError

#: How messages end.
REMEDY = "If you trust the file to run it, use --trust (trust=True in Python)"


def require_trust(name: str, trust: bool, where: str) -> None:
    """
    :param name: ``"module:name"`` in a file, such as an algorithm, an environment or a function;
        what has no module names something of this package.
    :param trust: Whether the file may import any module.
    :param where: The place in the file.
    :raises ConfigError: If the module is not this package's, and was not imported here.
    """
    module, colon, _ = name.rpartition(":")
    if trust or not colon or module.split(".")[0] == "sb3_presa" or module in sys.modules:
        return
    raise ConfigError(
        f"{where} must name code of sb3_presa or of a module that is imported, got {name!r}, which "
        f"would import {module}. {REMEDY}"
    )
