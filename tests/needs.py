"""Tests of a simulator that a later Python cannot have are skipped, and say which and why."""

import pytest

from sb3_presa.envs import SIMULATORS


def needs(simulator: str) -> pytest.MarkDecorator:
    """
    Marks a test, a parameter or a module.

    :param simulator: name of what it runs in
    :return: the mark, which skips only where the running Python cannot have it
    """
    why = SIMULATORS[simulator].why_not_on_this_python
    return pytest.mark.skipif(bool(why), reason=why)


def simulator_of(env_id: str) -> str:
    """
    :param env_id: an environment of this package
    :return: the name of what it runs in
    """
    return next(name for name, found in SIMULATORS.items() if env_id in found.env_ids)


def skip_without(simulator: str) -> None:
    """
    Skips the test that is running, or all that a fixture is for.

    :param simulator: name of what it runs in
    """
    why = SIMULATORS[simulator].why_not_on_this_python
    if why:
        pytest.skip(why)
