"""Memory for arrays that are as large as a dataset."""

import math
import mmap
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

#: From this size on NumPy asks Linux for huge pages.
_HUGE_BYTES = 2**22


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
