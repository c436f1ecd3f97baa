"""The algorithm classes, by the names that suites use."""

import inspect
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sb3_presa.common.offline_algorithm import OfflineAlgorithm


def algorithm_class(name: str) -> type["OfflineAlgorithm"]:
    """
    :param name: one of ``sb3_presa.ALGORITHMS``
    :return: the class
    """
    import sb3_presa

    found: type[OfflineAlgorithm] = getattr(sb3_presa, name)
    return found


@cache
def settings_of(algorithm: type["OfflineAlgorithm"]) -> frozenset[str]:
    """
    :param algorithm: a class
    :return: its constructor's arguments, with its parent's where it hands on what it does not name
    """
    names: set[str] = set()
    for ancestor in algorithm.__mro__:
        if "__init__" not in vars(ancestor):
            continue
        parameters = inspect.signature(vars(ancestor)["__init__"]).parameters.values()
        names.update(p.name for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD)
        if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters):
            break
    return frozenset(name for name in names if name != "self" and not name.startswith("_"))
