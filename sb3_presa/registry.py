"""The algorithm classes by name, and their settings."""

import importlib
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sb3_presa.arguments import arguments_of
from sb3_presa.errors import ConfigError

if TYPE_CHECKING:
    from sb3_presa.learning.offline_algorithm import OfflineAlgorithm

#: Where each algorithm class lives, by the name that a saved model records.
HOMES: Final[Mapping[str, str]] = {
    "BC": "sb3_presa.algorithms.bc",
    "BCQLag": "sb3_presa.algorithms.q_learning.bcq_lag",
    "CPL": "sb3_presa.algorithms.cpl",
    "PRESA": "sb3_presa.algorithms.presa",
    "SafeFirst": "sb3_presa.algorithms.safe_first",
    "SafeRLHF": "sb3_presa.algorithms.q_learning.safe_rlhf",
    "SafetyOnly": "sb3_presa.algorithms.safety_only",
    "TraC": "sb3_presa.algorithms.trac",
}
#: The names of the algorithm classes.
ALGORITHMS: Final = tuple(HOMES)

#: Constructor arguments that are not settings: suites and commands name them elsewhere.
GIVEN: Final = frozenset({"policy", "env", "seed", "device", "verbose", "tensorboard_log"})

#: Marks an unknown value, where ``None`` is a valid one.
UNKNOWN: Final = object()


def algorithm_class(name: str) -> type["OfflineAlgorithm"]:
    """
    :param name: one of ``sb3_presa.ALGORITHMS``, or ``package.module:Class``, which is imported
    :return: the class
    :raises ConfigError: if the class does not exist or is not an offline algorithm
    """
    if ":" in name:
        return _own_class(*name.split(":", 1))
    if name not in HOMES:
        raise ConfigError(
            f"the algorithm must be one of {', '.join(HOMES)}, or your own class as "
            f"package.module:Class, got {name!r}"
        )
    found: type[OfflineAlgorithm] = getattr(importlib.import_module(HOMES[name]), name)
    return found


def _own_class(module: str, name: str) -> type["OfflineAlgorithm"]:
    from sb3_presa.learning.offline_algorithm import OfflineAlgorithm

    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"the class {module}:{name} cannot be imported: {error}; install its package, or add "
            "its folder to PYTHONPATH"
        ) from error
    if not (isinstance(found, type) and issubclass(found, OfflineAlgorithm)):
        raise ConfigError(f"{module}:{name} must be a subclass of OfflineAlgorithm, got {found!r}")
    return found


def preset_of(algorithm: type["OfflineAlgorithm"], name: str) -> dict[str, Any]:
    """
    :param algorithm: a class
    :param name: name of a preset of it, as ``paper`` for ``PRESA.PAPER``
    :return: the preset's arguments of the constructor, as plain dictionaries
    :raises ConfigError: if the class has no such preset
    """
    presets = {n.lower(): v for n, v in vars(algorithm).items() if n.isupper() and _is_map(v)}
    if name not in presets:
        allowed = f"one of {', '.join(presets)}" if presets else "left out: the class has none"
        raise ConfigError(f"`preset` of {algorithm.__name__} must be {allowed}, got {name!r}")
    return {n: dict(v) if _is_map(v) else v for n, v in presets[name].items()}


def with_settings(preset: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """
    :param preset: arguments of a constructor
    :param settings: arguments that replace them; dictionaries of both are joined
    :return: both
    """
    joined = dict(preset)
    for name, value in settings.items():
        both = _is_map(value) and _is_map(joined.get(name))
        joined[name] = {**joined[name], **value} if both else value
    return joined


def _is_map(value: object) -> bool:
    return isinstance(value, Mapping)


@cache
def settings_of(algorithm: type["OfflineAlgorithm"]) -> Mapping[str, Any]:
    """
    :param algorithm: a class
    :return: its constructor's arguments with their defaults, then those of its parents as far as
        ``**kwargs`` are passed on; without :data:`GIVEN`
    """
    found = arguments_of(algorithm)
    return {k: v for k, v in found.items() if k not in GIVEN and not k.startswith("_")}
