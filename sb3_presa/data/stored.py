"""The episodes of a dataset, before they are read, held against what the files say of them."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import gymnasium as gym
import numpy as np
from minari import MinariDataset

from sb3_presa.data.columns import Column, Field, column_name, most_bytes, space_parts
from sb3_presa.data.hdf5_episodes import Hdf5Episodes
from sb3_presa.errors import DatasetError


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


@contextmanager
def open_episodes(dataset: MinariDataset) -> Iterator[StoredEpisodes]:
    """Open the files of a dataset.

    :param dataset: an open dataset.
    :return: its episodes.
    :raises DatasetError: if the files are damaged, which may be seen only while they are read.
    """
    try:
        storage = _open_storage(dataset)
        try:
            yield StoredEpisodes(dataset, storage)
        finally:
            storage.close()
    except DatasetError:
        raise
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        where = dataset.storage.data_path
        raise DatasetError(f"dataset '{dataset.id}' is damaged: {error} ({where})") from error


def _open_storage(dataset: MinariDataset) -> Storage:
    data_format = dataset.storage.FORMAT
    if data_format == "hdf5":
        return Hdf5Episodes(dataset)
    if data_format in ("arrow", "parquet"):
        from sb3_presa.data.arrow_episodes import ArrowEpisodes  # pyarrow may not be installed

        return ArrowEpisodes(dataset)
    raise DatasetError(
        f"the data format must be hdf5, arrow or parquet, got '{data_format}' (dataset "
        f"'{dataset.id}')"
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
