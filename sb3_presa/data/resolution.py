"""Whether float32 tells apart what is stored in a wider type.

A latitude, a map coordinate or a time changes by little beside its size. In float32 the change is
lost; such numbers stay float64.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

#: Numbers that float32 must tell apart between the smallest and the largest value.
_LEAST_LEVELS = 2**12
#: A coordinate is constant if its range is at most so many roundings of its largest value.
CONSTANT_ROUNDINGS = 4.0
#: A smaller range is rounding at any scale: what Bullet's physics keeps at 0 has one of 1e-12.
LEAST_RANGE = 1e-11


def is_wide(dtype: np.dtype[Any]) -> bool:
    """Whether float32 cannot hold all numbers of a type.

    :param dtype: of numbers.
    """
    return not np.can_cast(dtype, np.float32, "safe")


class Extremes:
    """The smallest and the largest value of each coordinate, of rows that come in pieces."""

    def __init__(self) -> None:
        self._low: Array | None = None
        self._high: Array | None = None

    def add(self, rows: Array) -> None:
        """Look at some rows.

        :param rows: ``(N, ...)``, the same ``...`` each time; none may be given.
        """
        if not len(rows):
            return
        low, high = rows.min(axis=0), rows.max(axis=0)
        if self._low is not None and self._high is not None:
            low, high = np.minimum(self._low, low), np.maximum(self._high, high)
        self._low, self._high = low, high

    def are_close(self) -> bool:
        """Whether float32 has few numbers between those of any coordinate that varies."""
        if self._low is None or self._high is None:
            return False
        low, high = self._low.astype(np.float64), self._high.astype(np.float64)
        largest = np.maximum(np.abs(low), np.abs(high))
        with np.errstate(over="ignore", invalid="ignore"):
            step = np.spacing(largest.astype(np.float32)).astype(np.float64)
            spread = high - low
            return bool(((spread > 0) & (spread < _LEAST_LEVELS * step)).any())

    def constant(self) -> list[int]:
        """The flat indices of the coordinates that hold nothing but rounding."""
        if self._low is None or self._high is None:
            return []
        kind = self._low.dtype
        rounding = float(np.finfo(kind).eps) if kind.kind == "f" else 0.0
        low, high = self._low.astype(np.float64), self._high.astype(np.float64)
        resolution = CONSTANT_ROUNDINGS * rounding * np.maximum(np.abs(low), np.abs(high))
        constant = high - low <= np.maximum(resolution, LEAST_RANGE)
        return np.flatnonzero(constant).tolist()
