"""Environments that a file names: making one imports and calls what its specification says."""

import json
from dataclasses import asdict

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from sb3_presa.errors import DatasetError
from sb3_presa.trust import REMEDY

#: Parts of a specification that name code, and the arguments of that code.
_RUN_BY_MAKING = ("entry_point", "vector_entry_point", "kwargs", "additional_wrappers")


def is_registered(spec: EnvSpec) -> bool:
    """
    :param spec: A specification of a file.
    :return: Whether the environment is registered here with the same code and arguments.
    """
    return _registered(spec) == _what_is_run(spec)


def require_registered(spec: EnvSpec, trust: bool, whose: str) -> None:
    """
    :param spec: A specification of a file.
    :param trust: Whether the file may name any code.
    :param whose: How messages call the file.
    :raises DatasetError: If the environment is not registered here, or not with the same code and
        arguments, and the file is not trusted.
    """
    if not trust and not is_registered(spec):
        raise DatasetError(
            f"{whose} environment {spec.id!r} must be registered here with the same code, got "
            f"{_registered(spec)} where the file has {_what_is_run(spec)}. In Python, import the "
            f"module that registers it. {REMEDY}"
        )


def _registered(spec: EnvSpec) -> str:
    # An id may name a module to import: this package, which is imported already
    found = gym.registry.get(spec.id.removeprefix("sb3_presa:"))
    return "none" if found is None else _what_is_run(found)


def _what_is_run(spec: EnvSpec) -> str:
    """The code that making the environment imports and calls, with its arguments, as JSON."""
    entries = asdict(spec)
    return json.dumps({name: entries[name] for name in _RUN_BY_MAKING}, sort_keys=True, default=str)
