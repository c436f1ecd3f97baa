"""Installs simulators with pip without changing the packages that are installed already."""

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version

from sb3_presa.envs.simulators import Simulator
from sb3_presa.errors import SimulatorNotInstalledError

KEPT = ("torch", "numpy", "gymnasium", "stable-baselines3", "minari")
"""Packages whose installed version is kept, whatever a simulator requires."""


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

    Commands that resolve dependencies also name the installed versions of :data:`KEPT`, so that
    pip fails rather than change one of them.

    :param simulators: The simulators to install.
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

    :param simulators: The simulators to install; those without support for this Python are skipped.
    :param run: Runs one command and returns its exit status.
    :return: Names of those that were installed.
    :raises SimulatorNotInstalledError: If pip is missing or a command fails; packages installed
        by earlier commands stay.
    """
    # Not importlib.util.find_spec: setuptools' hook takes that for pip running, and lets go of the
    # distutils that the rest of the process needs
    if installed_version("pip") is None:
        raise SimulatorNotInstalledError(
            f"pip is not installed for {sys.executable}; add it with `{sys.executable} -m "
            "ensurepip`, or pass the arguments that --dry-run prints to another installer"
        )
    installed = []
    for simulator in simulators:
        if simulator.why_not_on_this_python:
            continue
        for command in pip_commands([simulator]):
            status = run(command)
            if status:
                raise SimulatorNotInstalledError(
                    f"{simulator.title} could not be installed: pip exited with status {status} "
                    f"after `{shlex.join(command)}`"
                )
        installed.append(simulator.name)
    return installed
