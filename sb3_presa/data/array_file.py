"""Arrays in a ``.npz`` file that somebody was handed: read whole, checked, and nothing unpickled.

NumPy's own reader allocates what a header declares, and does not reach the checksums of the
archive: a flipped bit comes through as another number.
"""

import io
import math
import os
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.data.columns import most_bytes
from sb3_presa.errors import DatasetError

Array = npt.NDArray[Any]


def read_arrays(
    path: str | os.PathLike[str], names: Collection[str] | None = None
) -> dict[str, Array]:
    """
    Reads arrays of numbers and texts.

    :param path: The file.
    :param names: What it must hold; all that it holds if ``None``.
    :return: The arrays by name.
    :raises DatasetError: If the file is damaged or is not such an archive, or an array is missing,
        is declared larger than the file can hold, or holds Python objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            found = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            missing = sorted(set(names or ()) - set(found))
            if missing:
                raise ValueError(
                    f"it must hold {', '.join(sorted(names or ()))}; {missing} missing"
                )
            size = Path(path).stat().st_size
            return {name: _read(archive, found[name], size) for name in names or found}
    except (
        OSError,
        EOFError,
        LookupError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        SyntaxError,
        MemoryError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise DatasetError(f"{path} cannot be read: {_reason(error)}") from error


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, size: int) -> Array:
    if entry.file_size > most_bytes(size):
        raise ValueError(
            f"{entry.filename} must fit into a file of {size:,} bytes, got {entry.file_size:,}"
        )
    content = archive.read(entry)  # to its end, where its checksum is
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    reader = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, by_columns, dtype = reader(stream)
    start = stream.tell()
    if dtype.hasobject or not dtype.itemsize:
        raise ValueError(f"{entry.filename} must hold numbers or texts, got {dtype}")
    if math.prod(shape) * dtype.itemsize != len(content) - start:
        raise ValueError(
            f"{entry.filename} of shape {shape} and type {dtype} must have "
            f"{math.prod(shape) * dtype.itemsize:,} bytes, got {len(content) - start:,}"
        )
    flat = np.frombuffer(content, dtype, offset=start)
    return flat.reshape(shape, order="F" if by_columns else "C").copy()


def _reason(error: BaseException) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text or type(error).__name__
