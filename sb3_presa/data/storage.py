"""The protocol of every format of storage: the columns of an episode, before they are read."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeAlias

import gymnasium as gym
import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Field: TypeAlias = Literal[
    "observations", "actions", "rewards", "cost", "terminations", "truncations"
]


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


class Storage(Protocol):
    """The files of a dataset."""

    #: bytes on the disk
    size: int

    def steps(self, episode: int) -> int:
        """The number of steps that an episode says it has.

        :param episode: its id.
        """

    def columns(self, episode: int, fields: tuple[Field, ...]) -> dict[Field, dict[str, Column]]:
        """The columns of an episode.

        :param episode: its id.
        :param fields: what to look for.
        :return: each field's columns: of a Dict space one for each key, else one under ``""``;
            none for a ``"cost"`` that is not there.
        :raises KeyError: if another field is not there.
        """

    def infos(self, episode: int) -> dict[str, Any]:
        """All that the environment said beside it, nested as it was recorded.

        :param episode: its id.
        """

    def close(self) -> None:
        """Let go of the files."""


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
