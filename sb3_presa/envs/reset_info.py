"""The info of a reset: the keys of a step's, since Minari's collector wants one structure."""

from collections.abc import Mapping
from typing import Any


def without_costs(info: Mapping[str, Any]) -> dict[str, Any]:
    """A reset costs nothing.

    :param info: An info with the keys of a step's.
    :return: The same with every cost 0.0.
    """
    return {name: 0.0 if name.startswith("cost") else value for name, value in info.items()}
