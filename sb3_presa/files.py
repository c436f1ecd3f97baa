"""Atomic writes: a crash leaves the old file or the new one, never a partial one."""

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
    """Yield a temporary path to write to; it replaces ``path`` unless the block raises.

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
            error.filename = str(path)  # the user does not know the temporary one
        raise
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Make a file's folder and try to write there, before hours of work that end in this file.

    :param path: the file that is to be made or replaced.
    :raises ConfigError: if it cannot be written.
    """
    if path.is_dir():
        raise ConfigError(f"the output must be a file, got the folder {path}; add a file name")
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
    """Flush a file's bytes, or a folder's names, to the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
