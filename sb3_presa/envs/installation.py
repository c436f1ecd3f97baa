"""Installing the simulators with pip, beside what is installed already."""

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version

from sb3_presa.envs.simulators import Simulator
from sb3_presa.errors import SimulatorNotInstalledError

KEPT = ("torch", "numpy", "gymnasium", "stable-baselines3", "minari")
"""Packages that stay at the version that is installed, whatever a simulator asks for."""


def installed_version(distribution: str) -> str | None:
    """The version of a package.

    :param distribution: Its name on PyPI.
    :return: Its version here, or ``None`` if it is not installed.
    """
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def pip_commands(simulators: Iterable[Simulator]) -> list[list[str]]:
    """The commands that install some simulators.

    Commands that resolve dependencies name the installed versions of :data:`KEPT` as well, so that
    pip fails rather than move one of them.

    :param simulators: Which.
    :return: Arguments of one process each, in order.
    """
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install"]
    kept = [f"{name}=={found}" for name in KEPT if (found := installed_version(name))]
    return [
        [*pip, *step, *([] if "--no-deps" in step else kept)]
        for simulator in simulators
        for step in simulator.pip_steps
    ]


def _run(command: Sequence[str]) -> int:
    return subprocess.run(command, check=False).returncode


def install(
    simulators: Iterable[Simulator], run: Callable[[Sequence[str]], int] = _run
) -> list[str]:
    """Install some simulators for the running Python.

    :param simulators: Which; those that this Python cannot have are left out.
    :param run: Runs one command and returns its exit status.
    :return: Names of those that were installed.
    :raises SimulatorNotInstalledError: If there is no pip, or a command fails; what the commands
        before it installed stays.
    """
    # Not importlib.util.find_spec: setuptools' hook takes that for pip running, and lets go of the
    # distutils that the rest of the process needs
    if installed_version("pip") is None:
        raise SimulatorNotInstalledError(
            f"{sys.executable} has no pip; add it with `{sys.executable} -m ensurepip`, or give "
            "the arguments that --dry-run prints to another installer"
        )
    installed = []
    for simulator in simulators:
        if simulator.why_not_on_this_python:
            continue
        for command in pip_commands([simulator]):
            status = run(command)
            if status:
                raise SimulatorNotInstalledError(
                    f"{simulator.title} is not installed: pip ended with status {status} after "
                    f"`{shlex.join(command)}`"
                )
        installed.append(simulator.name)
    return installed
