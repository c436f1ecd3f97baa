"""The build that makes results: versions and commit."""

import os
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

_PACKAGES: Final = ("torch", "numpy", "stable-baselines3", "gymnasium", "minari")


@cache
def versions() -> Mapping[str, str]:
    """
    :return: versions of Python and of each package that affects results
    """
    found = {"python": platform.python_version(), "sb3_presa": _version("sb3_presa")}
    return {**found, **{name: _version(name) for name in _PACKAGES}}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


@cache
def current_commit() -> str:
    """
    :return: the commit of the checkout that this package was imported from, with ``-dirty`` if the
        package was changed since; ``SB3_PRESA_COMMIT``, or else ``unknown``, outside one
    """
    package = Path(__file__).resolve().parents[2]
    try:
        head = _git(package, "rev-parse", "--short=12", "HEAD")
        if not _git(package, "ls-files", "--", "__init__.py"):
            raise OSError("the repository around this package does not contain it")
        changed = _git(package, "status", "--porcelain", "--", ".")
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("SB3_PRESA_COMMIT", "unknown")
    return f"{head}-dirty" if changed else head


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
