"""Episodes in storage: their columns before they are read, checked against the metadata."""

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol, TypeAlias

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from minari import MinariDataset

from sb3_presa.errors import DatasetError

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


@dataclass(frozen=True)
class StoredEpisode:
    """An episode that has not been read yet.

    :param id: in the storage.
    :param steps: how many it has.
    :param columns: as :meth:`~sb3_presa.data.stored.Storage.columns` gives them. All have the rows
        that the steps ask for.
    :param where: names the dataset and the episode, to begin a message with.
    """

    id: int
    steps: int
    columns: Mapping[Field, Mapping[str, Column]]
    where: str


class StoredEpisodes:
    """The episodes of a dataset, in its order.

    :param dataset: the open dataset; of a filtered one, its episodes only.
    :param storage: its files.
    """

    def __init__(self, dataset: MinariDataset, storage: Storage) -> None:
        self.dataset, self._storage = dataset, storage
        self.ids: list[int] = [int(episode) for episode in dataset.episode_indices]

    @cached_property
    def lengths(self) -> list[int]:
        """The number of steps that each episode says it has."""
        lengths = [self._storage.steps(episode) for episode in self.ids]
        if min(lengths, default=0) < 0:
            episode = self.ids[int(np.argmin(lengths))]
            raise DatasetError(
                f"{self._where(episode)}: `total_steps` must be at least 0, got {min(lengths)}"
            )
        self._check_steps(f"dataset '{self.dataset.id}'", sum(lengths))
        return lengths

    def read(self, *fields: Field) -> Iterator[StoredEpisode]:
        """Look for some of what is stored of each episode.

        :param fields: what to look for.
        :return: all episodes, also those without a step.
        :raises DatasetError: if a field has other rows than the steps ask for.
        """
        for episode, steps in zip(self.ids, self.lengths, strict=True):
            yield self._look(episode, steps, fields)

    def read_one(self, episode: int, *fields: Field) -> tuple[StoredEpisode, dict[str, Any]]:
        """Look for some of what is stored of one episode, and read its infos.

        :param episode: its id.
        :param fields: what to look for.
        :return: the episode, and its infos; nested as they were recorded.
        :raises DatasetError: if a field has other rows than the steps ask for.
        """
        return self._look(episode, self.steps(episode), fields), self._storage.infos(episode)

    def steps(self, episode: int) -> int:
        """The number of steps that an episode says it has, which its files can hold.

        :param episode: its id.
        :raises DatasetError: if they cannot.
        """
        steps = self._storage.steps(episode)
        if steps < 0:
            raise DatasetError(f"{self._where(episode)}: `total_steps` must be >= 0, got {steps}")
        self._check_steps(self._where(episode), steps)
        return steps

    def look(self, episode: int, steps: int, field: Field) -> StoredEpisode:
        """Look for a field of one episode, whatever its rows.

        :param episode: its id.
        :param steps: what :meth:`steps` gives for it.
        :param field: what to look for.
        :raises DatasetError: if it would be larger than the files.
        """
        return self._look(episode, steps, (field,), any_rows=True)

    def _look(
        self, episode: int, steps: int, fields: tuple[Field, ...], any_rows: bool = False
    ) -> StoredEpisode:
        stored = StoredEpisode(
            episode, steps, self._storage.columns(episode, fields), self._where(episode)
        )
        for field, parts in stored.columns.items():
            for key, column in parts.items():
                if not any_rows:
                    check_rows(stored, field, key, column)
                self._check_size(
                    f"{stored.where}: {column_name(field, key)}",
                    math.prod(column.shape) * column.dtype.itemsize,
                )
        return stored

    def _where(self, episode: int) -> str:
        return f"dataset '{self.dataset.id}', episode {episode}"

    def _check_steps(self, where: str, steps: int) -> None:
        spaces = (self.dataset.observation_space, self.dataset.action_space)
        parts = [part for space in spaces for part in space_parts(space).values()]
        row_bytes = sum(math.prod(part.shape or ()) * _item_bytes(part) for part in parts)
        self._check_size(f"{where}: {steps:,} steps", steps * row_bytes)

    def _check_size(self, what: str, size: int) -> None:
        """Before room is made for what the files may only say that they hold."""
        if size > most_bytes(self._storage.size):
            raise DatasetError(
                f"{what} must fit into the files of {self._storage.size:,} bytes, got {size:,} "
                "bytes: the metadata are wrong, or the data are damaged"
            )


def _item_bytes(space: gym.Space[Any]) -> int:
    return 8 if space.dtype is None else space.dtype.itemsize


def check_rows(stored: StoredEpisode, field: Field, key: str, column: Column) -> None:
    """Hold the rows of a column against the steps of its episode.

    :param stored: the episode.
    :param field: what the column is of.
    :param key: of a Dict space, or ``""``.
    :param column: what is stored.
    :raises DatasetError: if there are more or fewer than the steps ask for.
    """
    if field == "cost" or (field == "observations" and stored.steps == 0):
        return  # costs may have a row for the reset; who reads them knows
    rows = column.shape[0] if column.shape else 0
    wanted = stored.steps + (field == "observations")
    if rows == wanted:
        return
    message = f"{stored.where}: {column_name(field, key)} must have {wanted} rows, "
    if field == "observations":
        message += f"one before each of {stored.steps} steps and one after the last, got {rows}"
    else:
        message += (
            f"as many as its `total_steps`, got {rows}. If the rows are right, correct the number: "
            "dataset.storage.update_episode_metadata("
            f"[{{'total_steps': {rows}}}], [{stored.id}])"
        )
    raise DatasetError(message)


def _decode(encoded: Any, row: Array) -> None:
    from PIL import Image

    with Image.open(io.BytesIO(encoded)) as picture:
        shape = (*picture.size[::-1], len(picture.getbands()))
        wanted = row.shape if row.ndim == 3 else (*row.shape, 1)
        if shape != wanted:  # asked before it is decoded: a small file can hold a huge picture
            raise ValueError(f"a picture must have the shape {row.shape} of its space, got {shape}")
        row.reshape(shape)[...] = np.asarray(picture).reshape(shape)
