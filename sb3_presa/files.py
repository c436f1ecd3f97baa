"""Atomic writes: a crash or a full disk leaves the old file or the new one, never a partial one."""

import errno
import glob
import os
import shutil
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from sb3_presa.errors import ConfigError, FileNotWrittenError, PresaError

#: Temporary files older than this were left behind by a process that was killed.
_STALE_SECONDS = 3600.0
#: Of a file's name in the names of its temporary files.
_NAME_BYTES = 150
#: What the system says of a full disk, a quota that is used up, and a limit of a file's size.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
#: What it says where nothing may be written.
_PROTECTED = (errno.EROFS, errno.EACCES, errno.EPERM)
#: Less than a file system can use: libraries that do not say why they failed are believed to have
#: filled the disk.
_LITTLE_ROOM_BYTES = 2**16


@contextmanager
def atomic_path(path: Path, check: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """Yield a temporary path to write to; it replaces ``path`` unless the block raises.

    A link stays, and the file that it leads to is replaced. The new file has the mode of the old.

    :param path: the file to make or replace; its folder must exist.
    :param check: reads the written file before it replaces ``path``, and raises if it is not what
        was to be written. Some libraries report no error where the disk is full.
    :raises ConfigError: if the path is a folder.
    :raises FileNotWrittenError: if the disk is full or read-only, or the check raises.
    :raises PermissionError: if the old file is protected from writing. To replace it, a system asks
        only for permission to write to its folder.
    """
    target = _target(path)
    _remove_stale(target)
    temporary = _temporary(target)
    try:
        with naming_full_disk(path):
            yield temporary
            _sync(temporary)
            if check is not None:
                require_written(path, partial(check, temporary))
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
        _sync(target.parent)
    except OSError as error:
        if error.filename == str(temporary):
            error.filename = str(path)  # the user does not know the temporary one
        raise
    finally:
        # On a read-only disk, unlinking a file that is not there fails, too
        if temporary.exists():
            temporary.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically.

    :param path: the file to make or replace; its folder must exist.
    :param content: its bytes.
    :raises FileNotWrittenError: if the disk is full, or what is read back is something else.
    """

    def check(written: Path) -> None:
        if (found := written.read_bytes()) != content:
            raise ValueError(f"it must hold {len(content):,} bytes, got {len(found):,} other ones")

    with atomic_path(path, check) as temporary:
        temporary.write_bytes(content)


def check_archive(path: Path) -> None:
    """A check of ZIP files for :func:`atomic_path`.

    :param path: the file.
    :raises BadZipFile: if it is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        if (damaged := archive.testzip()) is not None:
            raise zipfile.BadZipFile(f"{damaged} is damaged")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock during the block; it ends with the process, and the file stays.

    :param path: the file to lock, made if it is missing.
    :raises BlockingIOError: if another process holds it.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if os.name == "posix":
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, in UTF-8.

    :param path: the file to make or replace; its folder must exist.
    :param text: its content, with the ends of lines as they are to be.
    :raises FileNotWrittenError: if the disk is full, or what is read back is something else.
    """
    write_bytes(path, text.encode())


def require_room(path: Path, n_bytes: int) -> None:
    """Before a library writes that cannot deal with a full disk: HDF5 may end the process.

    :param path: the file or folder that is to be made or replaced.
    :param n_bytes: what is going to be written at most.
    :raises FileNotWrittenError: if less is free, or no file may become so large.
    """
    room = {os.strerror(errno.ENOSPC): shutil.disk_usage(_folder_of(path)).free}
    if os.name == "posix":
        import resource

        limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        if limit != resource.RLIM_INFINITY:
            room[os.strerror(errno.EFBIG)] = limit
    for reason, free in room.items():
        if free < n_bytes:
            raise FileNotWrittenError(
                f"{path} cannot be written: {reason}: up to {n_bytes:,} bytes are needed, and "
                f"{free:,} are left; {_before(path)}"
            )


@contextmanager
def naming_full_disk(path: Path) -> Iterator[None]:
    """Say it in one line if the disk is full or read-only while something is written.

    :param path: the file or folder that is to be made or replaced.
    :raises FileNotWrittenError: in place of any error that the disk brought about.
    """
    try:
        yield
    except PresaError:
        raise
    except Exception as error:
        reason = _protected(error) or _full_disk(error, path)
        if reason is None:
            raise
        raise FileNotWrittenError(f"{path} cannot be written: {reason}; {_before(path)}") from error


def require_written(path: Path, check: Callable[[], None]) -> None:
    """Read what was written before it takes its place.

    :param path: its place.
    :param check: raises if it is not what was to be written.
    :raises FileNotWrittenError: in place of any error of the check.
    """
    try:
        check()
    except Exception as error:
        raise FileNotWrittenError(
            f"{path} cannot be written: what was written is damaged ({error}), as on a full disk; "
            f"{_before(path)}"
        ) from error


def explain_unreadable(error: BaseException, otherwise: str = "is damaged") -> str:
    """The predicate of a sentence about an HDF5 file: a file in use is not a damaged one.

    :param error: what h5py raised
    :param otherwise: what is wrong with a file that is not in use
    :return: ``is in use: ...`` with the remedy, or ``is damaged: ...``
    """
    text = str(error)
    if "unable to lock file" in text or "already open for write" in text:
        return (
            f"is in use: {text}. Close it in the program that writes it. If that was killed, run "
            "`h5clear -s FILE`; where file systems have no locks, set HDF5_USE_FILE_LOCKING=FALSE"
        )
    return f"{otherwise}: {text}"


def _before(path: Path) -> str:
    return "what was there is unchanged" if path.exists() else "nothing is left behind"


def _folder_of(path: Path) -> Path:
    """The nearest folder that is there already."""
    return next((parent for parent in path.absolute().parents if parent.is_dir()), Path("."))


def _full_disk(error: BaseException, path: Path) -> str | None:
    """The system's message about a full disk, if that is why an error was raised."""
    cause: BaseException | None = error
    while cause is not None:
        for code in _NO_ROOM:
            # HDF5 and PyTorch put the system's words into their own
            if getattr(cause, "errno", None) == code or f"'{os.strerror(code)}'" in str(cause):
                return os.strerror(code)
        cause = cause.__cause__ or cause.__context__
    is_full = shutil.disk_usage(_folder_of(path)).free < _LITTLE_ROOM_BYTES
    return os.strerror(errno.ENOSPC) if is_full else None


def _protected(error: Exception) -> str | None:
    """The system's message, if it refused to make a file. Other refusals are of files to read."""
    if not isinstance(error, OSError) or error.errno not in _PROTECTED:
        return None
    is_new = error.filename is not None and not os.path.lexists(error.filename)
    return error.strerror if is_new else None


def check_writable(path: Path) -> None:
    """Make a file's folder and try to write there, before hours of work that end in this file.

    :param path: the file that is to be made or replaced.
    :raises ConfigError: if it cannot be written.
    """
    try:
        target = _target(path)
        temporary = _temporary(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
        temporary.unlink()
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


def _target(path: Path) -> Path:
    """The file that a path leads to, which must not be a folder, or protected from writing."""
    if path.is_dir():
        raise ConfigError(f"the output must be a file, got the folder {path}; add a file name")
    target = Path(os.path.realpath(path))
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    return target


def _temporary(path: Path) -> Path:
    return path.with_name(f"{_prefix(path)}{uuid.uuid4().hex}.tmp")


def _prefix(path: Path) -> str:
    """The begin of temporary names, which must not be longer than a file system permits."""
    name = path.name.encode()[:_NAME_BYTES].decode(errors="ignore")
    return f".{name}."


def _remove_stale(path: Path) -> None:
    for left in path.parent.glob(f"{glob.escape(_prefix(path))}*.tmp"):
        with suppress(FileNotFoundError):  # another process renamed or removed its own
            if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                left.unlink()


def _sync(path: Path) -> None:
    """Flush a file's bytes, or a folder's names, to the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
