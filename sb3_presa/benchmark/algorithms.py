"""The algorithm classes by their names, and what can be set of them."""

import inspect
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


def default_of(name: str, setting: str) -> Any:
    """
    :param name: one of ``sb3_presa.ALGORITHMS``
    :param setting: one of its settings
    :return: the value that it has where nothing is said; :data:`UNKNOWN` if there is no such one
    """
    for ancestor in algorithm_class(name).__mro__:
        if "__init__" in vars(ancestor):
            parameters = inspect.signature(vars(ancestor)["__init__"]).parameters
            if setting in parameters:
                return parameters[setting].default
    return UNKNOWN


@cache
def settings_of(algorithm: type["OfflineAlgorithm"]) -> tuple[str, ...]:
    """
    :param algorithm: a class
    :return: its constructor's arguments, then its parent's where it hands on what it does not name;
        without those of :data:`GIVEN`
    """
    names: list[str] = []
    for ancestor in algorithm.__mro__:
        if "__init__" not in vars(ancestor):
            continue
        _, *parameters = inspect.signature(vars(ancestor)["__init__"]).parameters.values()
        names += [p.name for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD]
        if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters):
            break
    kept = dict.fromkeys(names)
    return tuple(name for name in kept if name not in GIVEN and not name.startswith("_"))
