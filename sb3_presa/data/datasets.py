"""Find and open Minari datasets, and read what their metadata says."""

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import gymnasium as gym
import minari
from minari import MinariDataset
from minari.dataset.episode_data import EpisodeData
from minari.dataset.minari_dataset import DATASET_ID_RE
from minari.storage import get_dataset_path

from sb3_presa.data.example import EXAMPLE_DATASET_ID
from sb3_presa.data.hdf5_episodes import Hdf5Episodes
from sb3_presa.data.opening import open_folder
from sb3_presa.data.stored import Column, Field, Storage, StoredEpisodes
from sb3_presa.errors import DatasetError
from sb3_presa.files import explain_unreadable

DatasetLike: TypeAlias = str | os.PathLike[str] | MinariDataset


def resolve_dataset(dataset: DatasetLike) -> MinariDataset:
    """Open a dataset named in any of the ways that users name one.

    :param dataset: a Minari id (``"presa/ball-run-v0"``), the path of a dataset's folder or of the
        ``data`` folder in it, or an open dataset, which is returned as it is.
    :return: the open dataset.
    :raises DatasetError: if there is none, or Minari cannot read it.
    """
    if isinstance(dataset, MinariDataset):
        return dataset
    if not isinstance(dataset, str | os.PathLike):
        raise DatasetError(
            "the dataset must be a Minari dataset, its id, or the path of its folder, got "
            f"{dataset!r}"
        )
    for folder in _candidate_folders(dataset):
        if (folder / "metadata.json").is_file():
            return open_folder(folder)
    name = os.fspath(dataset)
    path = Path(name).expanduser()
    if path.is_file() and (path.parent / "metadata.json").is_file():
        folder = path.parent.parent if path.parent.name == "data" else path.parent
        hint = f"It is a file of the dataset in '{folder}': name this folder."
    elif isinstance(dataset, str) and os.sep not in name and not DATASET_ID_RE.fullmatch(name):
        hint = "An id must have the form (namespace/)name-vN, such as 'me/robot-v0'."
    elif isinstance(dataset, str) and _id_without_version(name):
        hint = f"An id must end in a version; try '{name}-v0'."
    else:
        known = _local_ids()
        hint = f"Available below {get_dataset_path()} (MINARI_DATASETS_PATH): {known}."
        if name == EXAMPLE_DATASET_ID:
            hint += (
                " This one comes with the package: in a checkout `export "
                "MINARI_DATASETS_PATH=datasets`, in Python `sb3_presa.data.example_dataset()`."
            )
        elif isinstance(dataset, str) and os.sep in name and DATASET_ID_RE.fullmatch(name):
            hint += f" Those of Minari's servers come by `minari download {name}`."
    raise DatasetError(f"dataset '{name}' not found. {hint}")


def _local_ids() -> str:
    try:
        return ", ".join(sorted(minari.list_local_datasets())) or "none"
    except (TypeError, ValueError) as error:  # of one folder, such as one without a version
        root = Path(get_dataset_path())
        folders = (file.parent.parent for file in root.glob("**/data/metadata.json"))
        ids = (folder.relative_to(root).as_posix() for folder in folders)
        found = ", ".join(sorted(name for name in ids if DATASET_ID_RE.fullmatch(name))) or "none"
        return f"{found} (Minari cannot list them, because of a folder there: {error})"


def has_dataset(dataset: str | os.PathLike[str]) -> bool:
    """
    :param dataset: a Minari id, or the path of a dataset's folder or of the ``data`` folder in it
    :return: whether a dataset is there; it may be damaged
    """
    return any((folder / "metadata.json").is_file() for folder in _candidate_folders(dataset))


def _candidate_folders(dataset: str | os.PathLike[str]) -> Iterator[Path]:
    if isinstance(dataset, str) and DATASET_ID_RE.fullmatch(dataset.rstrip("/")):
        yield Path(get_dataset_path(dataset.rstrip("/"))) / "data"  # as shells complete folders
    path = Path(dataset).expanduser()
    yield path / "data"
    yield path


def _id_without_version(name: str) -> bool:
    match = DATASET_ID_RE.fullmatch(name)
    return match is not None and match.group("version") is None


def names_environment(dataset: MinariDataset) -> bool:
    """Whether a dataset says which environment agents are evaluated in.

    :param dataset: an open dataset.
    :return: whether ``recover_environment(eval_env=True)`` has anything to make.
    """
    return dataset.env_spec is not None or "eval_env_spec" in dataset.storage.metadata


def dataset_horizon(dataset: DatasetLike) -> int:
    """The length T of a full episode, in steps.

    :param dataset: as for :func:`resolve_dataset`.
    :return: ``max_episode_steps`` of the recorded environment, or of the dataset's metadata; where
        there is none, the horizon of the task table. Where the task is unknown, or an episode is
        longer (which is warned of), the longest episode of the dataset's storage.
    """
    from sb3_presa.envs.tasks import find_task

    dataset = resolve_dataset(dataset)
    spec = dataset.env_spec
    task = find_task(spec.id) if spec is not None else None
    known = (
        spec.max_episode_steps if spec is not None else None,
        dataset.storage.metadata.get("max_episode_steps"),
        task.horizon if task is not None else None,
    )
    # Of all that is stored: a filtered dataset keeps the horizon of the whole one.
    with open_episodes(MinariDataset(dataset.storage)) as episodes:
        longest = max(episodes.lengths, default=0)
    horizon = next((int(steps) for steps in known if steps is not None), longest)
    if longest > horizon:
        warnings.warn(
            f"the recorded horizon of dataset '{dataset.id}' is {horizon} steps, but an episode "
            f"has {longest}: the horizon is taken as {longest}",
            stacklevel=2,
        )
    return max(horizon, longest)


def reward_reference(dataset: DatasetLike) -> tuple[float, float] | None:
    """The returns that normalise to 0 and to 1.

    :param dataset: as for :func:`resolve_dataset`.
    :return: ``(ref_min_score, ref_max_score)`` of the metadata, None where they are not both there.
    """
    metadata = resolve_dataset(dataset).storage.metadata
    low, high = metadata.get("ref_min_score"), metadata.get("ref_max_score")
    return None if low is None or high is None else (float(low), float(high))


def read_episodes(
    dataset: MinariDataset, fields: tuple[Field, ...]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Some of what is recorded of each episode, in the dataset's order.

    :param dataset: an open dataset.
    :param fields: what to read; ``"cost"`` is ``infos["cost"]``, None where there is none.
    :return: pairs of the episode's id and its fields, as stored.
    :raises DatasetError: if the storage is damaged.
    """
    with open_episodes(dataset) as episodes:
        for stored in episodes.read(*fields):
            yield (
                stored.id,
                {field: _read(dataset, field, stored.columns[field]) for field in fields},
            )


def read_episode(dataset: MinariDataset, episode: int) -> EpisodeData:
    """All that is recorded of one episode. Minari gives a part of a long one in Arrow.

    :param dataset: an open dataset.
    :param episode: the id of the episode.
    :return: the episode, as Minari gives it.
    :raises DatasetError: if the storage is damaged.
    """
    fields: tuple[Field, ...] = (
        "observations",
        "actions",
        "rewards",
        "terminations",
        "truncations",
    )
    with open_episodes(dataset) as episodes:
        stored, infos = episodes.read_one(episode, *fields)
        found = {field: _read(dataset, field, stored.columns[field]) for field in fields}
    return EpisodeData(id=episode, infos=infos, **found)


def _read(dataset: MinariDataset, field: Field, columns: Mapping[str, Column]) -> Any:
    found = {key: column.read() for key, column in columns.items()}
    is_dict = field == "observations" and isinstance(dataset.observation_space, gym.spaces.Dict)
    return found if is_dict else found.get("")


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
        said = explain_unreadable(error)
        raise DatasetError(f"dataset '{dataset.id}' {said} ({where})") from error


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
