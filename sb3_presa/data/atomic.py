"""Write files so that a crash leaves the old one or the new one, never half of one."""

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Temporary files older than this were left behind by a process that was killed.
_STALE_SECONDS = 3600.0


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path to write to, which takes the place of ``path`` if nothing is raised.

    :param path: the file to make or replace; its folder must exist.
    """
    _remove_stale(path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


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
