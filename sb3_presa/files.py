"""Write files so that a crash leaves the old one or the new one, never half of one."""

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sb3_presa.errors import ConfigError

#: Temporary files older than this were left behind by a process that was killed.
_STALE_SECONDS = 3600.0


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path to write to, which takes the place of ``path`` if nothing is raised.

    :param path: the file to make or replace; its folder must exist.
    """
    _remove_stale(path)
    temporary = _temporary(path)
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)
    except OSError as error:
        if error.filename == str(temporary):
            error.filename = str(path)  # the one that the user knows
        raise
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Make a file's folder and try to write there, before work that would be lost without.

    :param path: the file that is to be made or replaced.
    :raises ConfigError: if it cannot be.
    """
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; allowed is a file")
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
        temporary.unlink()
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")


def _remove_stale(path: Path) -> None:
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        if time.time() - left.stat().st_mtime > _STALE_SECONDS:
            left.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Put a file's bytes, or a folder's names, on the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
