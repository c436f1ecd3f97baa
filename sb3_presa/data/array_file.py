"""Arrays in a ``.npz`` file that somebody was handed: read whole, checked, and nothing unpickled.

NumPy's own reader allocates what a header declares, and does not reach the checksums of the
archive: a flipped bit comes through as another number.
"""

import io
import math
import os
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.data.archive import ARCHIVE_ERRORS, read_entry, reason
from sb3_presa.errors import DatasetError

Array = npt.NDArray[Any]
_ERRORS: tuple[type[Exception], ...] = (*ARCHIVE_ERRORS, SyntaxError)


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
            found = {name.removesuffix(".npy"): name for name in archive.namelist()}
            missing = sorted(set(names or ()) - set(found))
            if missing:
                raise ValueError(
                    f"it must hold {', '.join(sorted(names or ()))}; {missing} missing"
                )
            size = Path(path).stat().st_size
            return {name: _read(archive, found[name], size) for name in names or found}
    except _ERRORS as error:
        raise DatasetError(f"{path} cannot be read: {reason(error)}") from error


def _read(archive: zipfile.ZipFile, name: str, size: int) -> Array:
    content = read_entry(archive, name, size)
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
        raise ValueError(f"{name} must hold numbers or texts, got {dtype}")
    if math.prod(shape) * dtype.itemsize != len(content) - start:
        raise ValueError(
            f"{name} of shape {shape} and type {dtype} must have "
            f"{math.prod(shape) * dtype.itemsize:,} bytes, got {len(content) - start:,}"
        )
    flat = np.frombuffer(content, dtype, offset=start)
    return flat.reshape(shape, order="F" if by_columns else "C").copy()
