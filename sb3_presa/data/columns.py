"""The columns of an episode, as every format of storage gives them, before they are read."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import gymnasium as gym
import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Field: TypeAlias = Literal[
    "observations", "actions", "rewards", "cost", "terminations", "truncations"
]

#: What every picture in JPEG begins with.
JPEG = b"\xff\xd8"
#: How many times its size a file may say that it holds. Deflate packs at most 1,032 to 1.
_MOST_PACKED = 1100
#: What is small is read whatever the file says: other filters pack what is constant even closer.
_SMALL_BYTES = 2**26


class Column(Protocol):
    """One thing that is stored of one episode, a row a step. Nothing is read until it is asked."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows, and the shape of one."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type as stored."""

    def read(self) -> Array:
        """All rows, as stored."""

    def read_into(self, rows: Array) -> None:
        """All rows, as stored.

        :param rows: where to put them, in one piece; of this column's shape and type.
        """

    def last(self) -> Array:
        """The last row."""


def space_parts(space: gym.Space[Any]) -> Mapping[str, gym.Space[Any]]:
    """The spaces that are stored in columns of their own.

    :param space: of observations or actions.
    :return: those of a Dict by their keys, any other under ``""``.
    """
    return space.spaces if isinstance(space, gym.spaces.Dict) else {"": space}


def column_name(field: str, key: str) -> str:
    """The name of a column in messages.

    :param field: such as ``"observations"``.
    :param key: of a Dict space, or ``""``.
    """
    return f"{field}['{key}']" if key else field


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


def most_bytes(file_size: int) -> int:
    """More than a file can hold; no room is made for an array that it declares larger.

    :param file_size: bytes of the file.
    """
    return max(_SMALL_BYTES, _MOST_PACKED * file_size)


def _decode(encoded: Any, row: Array) -> None:
    from PIL import Image

    with Image.open(io.BytesIO(encoded)) as picture:
        shape = (*picture.size[::-1], len(picture.getbands()))
        wanted = row.shape if row.ndim == 3 else (*row.shape, 1)
        if shape != wanted:  # asked before it is decoded: a small file can hold a huge picture
            raise ValueError(f"a picture must have the shape {row.shape} of its space, got {shape}")
        row.reshape(shape)[...] = np.asarray(picture).reshape(shape)
