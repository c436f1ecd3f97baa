"""Entries of a ZIP file that somebody was handed, read whole: their checksums are at the end."""

import zipfile
import zlib

from sb3_presa.data.stored import most_bytes

#: What reading a ZIP file raises that is damaged, or is none.
ARCHIVE_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_entry(archive: zipfile.ZipFile, name: str, file_size: int) -> bytes:
    """
    :param archive: The open file.
    :param name: The name of an entry.
    :param file_size: Bytes of the file.
    :return: What the entry holds.
    :raises ValueError: If it declares more than the file can hold.
    """
    entry = archive.getinfo(name)
    if entry.file_size > most_bytes(file_size):
        raise ValueError(
            f"{name} must fit a file of {file_size:,} bytes, got {entry.file_size:,} bytes"
        )
    return archive.read(entry)


def reason(error: BaseException) -> str:
    """:return: Why reading failed, in a few words."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text or type(error).__name__
