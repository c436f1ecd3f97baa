"""Memory for arrays that are as large as a dataset, and how large a file may say that it is."""

import math
import mmap
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

#: From this size on NumPy asks Linux for huge pages.
_HUGE_BYTES = 2**22
#: How many times its size a file may say that it holds. Deflate packs at most 1,032 to 1.
_MOST_PACKED = 1100
#: What is small is read whatever the file says: other filters pack what is constant even closer.
_SMALL_BYTES = 2**26


def most_bytes(file_size: int) -> int:
    """More than a file can hold; no room is made for an array that it declares larger.

    :param file_size: bytes of the file.
    """
    return max(_SMALL_BYTES, _MOST_PACKED * file_size)


def make_room(shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """An array that nothing has been written to, in pages of ordinary size.

    An array of NumPy's own lies in huge pages on Linux. Each is cleared when it is first touched,
    which took longer than reading the file on the machines where this was measured
    (``benchmarks/load_time.py``): 0.6 s in place of 0.2 s for 250 MB.

    :param shape: of the array.
    :param dtype: its type.
    """
    count = math.prod(shape)
    size = count * dtype.itemsize
    if sys.platform == "win32" or size < _HUGE_BYTES:
        return np.empty(shape, dtype)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(memory, dtype, count).reshape(shape)
