"""The algorithm classes by their names, and what can be set of them."""

import inspect
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sb3_presa.common.offline_algorithm import OfflineAlgorithm

#: Arguments of every constructor that are no settings: suites and commands say them elsewhere.
GIVEN: Final = frozenset({"policy", "env", "seed", "device", "verbose", "tensorboard_log"})

#: Stands for a value that is not known, where ``None`` is one.
UNKNOWN: Final = object()


def algorithm_class(name: str) -> type["OfflineAlgorithm"]:
    """
    :param name: one of ``sb3_presa.ALGORITHMS``
    :return: the class
    """
    import sb3_presa

    found: type[OfflineAlgorithm] = getattr(sb3_presa, name)
    return found


@cache
def settings_of(algorithm: type["OfflineAlgorithm"]) -> Mapping[str, Any]:
    """
    :param algorithm: a class
    :return: its constructor's arguments with their defaults, then its parent's where it hands on
        what it does not name; without those of :data:`GIVEN`
    """
    found: dict[str, Any] = {}
    for ancestor in algorithm.__mro__:
        if "__init__" not in vars(ancestor):
            continue
        _, *parameters = inspect.signature(vars(ancestor)["__init__"]).parameters.values()
        for parameter in parameters:
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD:
                found.setdefault(parameter.name, parameter.default)
        if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters):
            break
    return {k: v for k, v in found.items() if k not in GIVEN and not k.startswith("_")}
