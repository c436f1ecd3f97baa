"""Pictures that are stored as JPEG, read as the numbers of their space."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import gymnasium as gym
import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

#: What every picture in JPEG begins with.
JPEG = b"\xff\xd8"


def may_be_pictures(space: gym.Space[Any] | None) -> bool:
    """Whether the values of a space can be pictures, gray or coloured.

    :param space: the space of what is stored.
    """
    return (
        isinstance(space, gym.spaces.Box) and space.dtype == np.uint8 and len(space.shape) in (2, 3)
    )


@dataclass(frozen=True)
class Pictures:
    """A column of encoded pictures. Decoded, it has the shape of its space.

    :param load: reads the encoded pictures.
    :param shape: ``(rows, *shape of the space)``.
    """

    load: Callable[[], Sequence[Any] | Array]
    shape: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers of a picture."""
        return np.dtype(np.uint8)

    def read(self) -> Array:
        """All pictures."""
        rows = np.empty(self.shape, self.dtype)
        self.read_into(rows)
        return rows

    def read_into(self, rows: Array) -> None:
        """All pictures.

        :param rows: where to put them; of this column's shape and type.
        """
        for row, encoded in zip(rows, self.load(), strict=True):
            _decode(encoded, row)

    def last(self) -> Array:
        """The last picture."""
        row = np.empty(self.shape[1:], self.dtype)
        _decode(self.load()[-1], row)
        return row


def _decode(encoded: Any, row: Array) -> None:
    from PIL import Image

    with Image.open(io.BytesIO(encoded)) as picture:
        shape = (*picture.size[::-1], len(picture.getbands()))
        wanted = row.shape if row.ndim == 3 else (*row.shape, 1)
        if shape != wanted:  # asked before it is decoded: a small file can hold a huge picture
            raise ValueError(f"a picture must have the shape {row.shape} of its space, got {shape}")
        row.reshape(shape)[...] = np.asarray(picture).reshape(shape)
