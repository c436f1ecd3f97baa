"""Write a Minari dataset in one piece, or not at all.

Minari's own writers leave a half dataset that loads when they are interrupted, and pad what they
write to three times its size. Here a dataset is written in a hidden folder beside its place
(Minari passes over names that begin with a dot), packed, flushed to the disk and then renamed.
"""

import contextlib
import ctypes
import json
import os
import shutil
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import minari
import numpy as np
from gymnasium.envs.registration import EnvSpec
from minari import MinariDataset
from minari.data_collector import EpisodeBuffer
from minari.dataset.minari_dataset import DATASET_ID_RE
from minari.namespace import NAMESPACE_METADATA_FILENAME
from minari.storage.datasets_root_dir import get_dataset_path

from sb3_presa.data.checks import Extremes
from sb3_presa.data.read_back import bytes_needed, check_episodes, check_packed
from sb3_presa.data.stored import space_parts
from sb3_presa.errors import DatasetError
from sb3_presa.files import (
    atomic_path,
    locked,
    naming_full_disk,
    require_room,
    require_written,
    write_text,
)

_STALE_AFTER_S = 24 * 3600.0
#: The file that the process which writes a dataset holds a lock on.
_LOCK = ".lock"
#: Beside the data of a dataset: labels, and in the files of this pattern the answers of people.
_FEEDBACK = "data/feedback"
_ANSWERS = "*.annotations.sqlite*"
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100
_environ_lock = threading.Lock()
#: Attributes of an episode that Minari writes by itself, and reads as its own.
MINARIS_OWN = frozenset({"id", "seed", "total_steps", "options"})


def check_dataset_id(dataset_id: str) -> None:
    """Refuse an id that Minari could not read back.

    :param dataset_id: ``"name-v0"`` or ``"namespace/name-v0"``.
    :raises DatasetError: If the id does not follow Minari's rule, version included.
    """
    match = DATASET_ID_RE.fullmatch(dataset_id)
    if match is None or match.group("version") is None:
        raise DatasetError(
            "`dataset_id` must have the form (namespace/)name-vN with letters, digits, '-' and "
            f"'_', at least two of them in a namespace, such as 'me/robot-v0', got {dataset_id!r}"
        )


def dataset_folder(dataset_id: str, root: str | os.PathLike[str] | None = None) -> Path:
    """The folder of a dataset of this id, whether it exists or not.

    :param dataset_id: The dataset's id.
    :param root: The datasets root; Minari's own (``MINARI_DATASETS_PATH``) if ``None``.
    :return: ``root/dataset_id``; its files are in the folder ``data`` below.
    """
    return (Path(root) if root is not None else Path(get_dataset_path())) / dataset_id


def check_free(dataset_id: str, root: str | os.PathLike[str] | None, overwrite: bool) -> Path:
    """Refuse an id that is malformed, or taken and not to be overwritten.

    :param dataset_id: The id to write.
    :param root: The datasets root, or ``None`` for Minari's.
    :param overwrite: Whether a dataset of this id may be replaced.
    :return: The dataset's folder.
    :raises DatasetError: If the id cannot be written.
    """
    check_dataset_id(dataset_id)
    folder = dataset_folder(dataset_id, root)
    if folder.exists() and not overwrite:
        raise DatasetError(
            f"dataset {dataset_id!r} exists already in {folder}; choose another id or version, "
            "or pass overwrite=True (--overwrite) to replace it; people's answers beside it stay"
        )
    return folder


def write_dataset(
    dataset_id: str,
    episodes: Sequence[EpisodeBuffer],
    *,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    env_spec: EnvSpec | str | None = None,
    eval_env_spec: EnvSpec | str | None = None,
    ref_min_score: float | None = None,
    ref_max_score: float | None = None,
    algorithm_name: str = "",
    author: str = "sb3_presa",
    description: str = "",
    requirements: Sequence[str] = (),
    metadata: Mapping[str, Any] | None = None,
    episode_metadata: Sequence[Mapping[str, str | int | float | bool]] | None = None,
    overwrite: bool = False,
    keeps_labels: bool = False,
    root: str | os.PathLike[str] | None = None,
    finish: Callable[[MinariDataset], object] | None = None,
) -> MinariDataset:
    """Write episodes as a Minari dataset that appears complete or not at all.

    No environment is made: a dataset may name a simulator that is not installed here.

    :param dataset_id: ``(namespace/)name-vN``.
    :param episodes: At least one; each with T + 1 observations, T actions, rewards, terminations
        and truncations, and ``infos={"cost": ...}`` of T + 1 rows (row 0 is 0, row t + 1 the cost
        of step t). An episode's ``seed`` is kept.
    :param observation_space: The space of the recorded observations.
    :param action_space: The space of the recorded actions.
    :param env_spec: The environment that the data came from (a spec or a registered id).
    :param eval_env_spec: The environment to evaluate in; ``env_spec`` if ``None``.
    :param ref_min_score: The reward return that scores 0.
    :param ref_max_score: The reward return that scores 1.
    :param algorithm_name: What chose the actions.
    :param author: Who made the dataset.
    :param description: One paragraph about it.
    :param requirements: pip-style requirements of the environment.
    :param metadata: More JSON-able entries for the dataset's metadata.
    :param episode_metadata: More attributes for each episode, in the order of ``episodes``. Those
        that are called as :data:`MINARIS_OWN` are get ``log_`` before their names.
    :param overwrite: Replace a dataset of this id. What was there stays until the new one is whole,
        and the answers of people beside it stay for good.
    :param keeps_labels: Whether all other feedback beside it stays, too. Labels count only for the
        episodes that they were given on.
    :param root: The datasets root; Minari's own if ``None``.
    :param finish: Called with the whole dataset before it appears in its place: what it writes
        beside the data, such as labels, appears with them. If it raises, nothing does.
    :return: The dataset, opened from its place.
    :raises DatasetError: If the id is malformed or taken, there is no episode, or the number of
        ``episode_metadata`` entries is not that of the episodes.
    """
    folder = check_free(dataset_id, root, overwrite)
    if not episodes:
        raise DatasetError(f"`episodes` must have at least one episode, got none ({dataset_id})")
    if episode_metadata is not None and len(episode_metadata) != len(episodes):
        raise DatasetError(
            f"`episode_metadata` must have one entry for each of {len(episodes)} episodes, got "
            f"{len(episode_metadata)} ({dataset_id})"
        )
    extra = dict(metadata or {})
    for key, spec in (("env_spec", env_spec), ("eval_env_spec", eval_env_spec or env_spec)):
        if spec is not None:
            extra[key] = (gym.spec(spec) if isinstance(spec, str) else spec).to_json()
    for key, score in (("ref_min_score", ref_min_score), ("ref_max_score", ref_max_score)):
        if score is not None:
            extra[key] = float(score)
    # Absolute: Minari 0.5.4 joins a relative root to itself when it adds up sizes
    datasets_root = (Path(root) if root is not None else Path(get_dataset_path())).absolute()
    with naming_full_disk(folder), _hidden_folder(datasets_root, dataset_id) as hidden:
        require_room(folder, bytes_needed(episodes))
        with _minari_root(hidden), warnings.catch_warnings():
            # Minari warns about each optional field that is left out.
            warnings.simplefilter("ignore", UserWarning)
            dataset = minari.create_dataset_from_buffers(
                dataset_id,
                list(episodes),
                observation_space=observation_space,
                action_space=action_space,
                algorithm_name=algorithm_name,
                author=author,
                description=description,
                requirements=list(requirements),
                jpeg_encoding=False,
            )
            if episode_metadata is not None:
                dataset.storage.update_episode_metadata(
                    [_beside_minaris_own(attributes) for attributes in episode_metadata]
                )
        written = hidden / dataset_id
        main = written / "data" / "main_data.hdf5"
        require_written(folder, lambda: check_episodes(main, episodes))
        repack(main, _exact(observation_space))
        _update_metadata(written / "data", extra)
        if finish is not None:
            finish(MinariDataset(written / "data"))
        _keep_feedback(folder / _FEEDBACK, written / _FEEDBACK, "*" if keeps_labels else _ANSWERS)
        _publish(written, folder, datasets_root, dataset_id, overwrite)
    return MinariDataset(folder / "data")


def _beside_minaris_own(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes under names that replace none of Minari's: it counts and seeds by its own.

    Minari takes what precedes a slash for a name.
    """
    return {
        f"log_{name}" if name.partition("/")[0] in MINARIS_OWN else name: value
        for name, value in attributes.items()
    }


def _keep_feedback(old: Path, new: Path, pattern: str) -> None:
    """Names files of the old feedback in the new one, too; a server may go on writing to them."""
    for path in sorted(old.glob(pattern)):
        if path.is_file() and not (new / path.name).exists():
            new.mkdir(exist_ok=True)
            try:
                os.link(path, new / path.name)
            except OSError:  # of a file system without links
                shutil.copy2(path, new / path.name)


def _exact(observation_space: gym.Space[Any]) -> set[str]:
    """Observations that are to be whole numbers: rounded, wrong ones would pass for these."""
    return {
        f"observations/{key}" if key else "observations"
        for key, part in space_parts(observation_space).items()
        if part.dtype is None or part.dtype.kind != "f"
    }


def repack(path: str | os.PathLike[str], exact: Collection[str] = ()) -> None:
    """Rewrite an HDF5 file of episodes without chunk padding and with numbers as float32.

    Actions keep the type that they have: rounded, they would not repeat an episode exactly. So do
    numbers that float32 would not tell apart, or not hold.

    :param path: The file; it is replaced in one step.
    :param exact: What keeps its type besides, by its path in an episode.
    """
    with (
        h5py.File(path, "r") as source,
        atomic_path(Path(path), lambda packed: check_packed(source, packed)) as packed_path,
        h5py.File(packed_path, "w", libver="latest", track_order=True) as packed,
    ):
        packed.attrs.update(source.attrs)
        extremes: dict[str, Extremes] = {}
        for episode in source.values():
            episode.visititems(partial(_look_at_doubles, extremes))
        wide = {name for name, found in extremes.items() if found.need_float64()} | set(exact)
        # Minari numbers episodes; HDF5 would list them as text.
        for name in sorted(source, key=lambda episode: int(episode.rpartition("_")[2])):
            _copy_packed(source[name], packed.create_group(name), wide)


def _look_at_doubles(extremes: dict[str, Extremes], name: str, item: Any) -> None:
    if isinstance(item, h5py.Dataset) and item.dtype == np.float64 and item.ndim:
        values = item[()]
        extremes.setdefault(name, Extremes()).add(np.where(np.isfinite(values), values, np.nan))


def _copy_packed(
    source: h5py.Group, target: h5py.Group, wide: Collection[str], path: str = ""
) -> None:
    """Copy a group; ``wide`` names what stays float64, by its path in the episode."""
    target.attrs.update(source.attrs)
    for name, item in source.items():
        place = f"{path}/{name}" if path else name
        if isinstance(item, h5py.Group):
            _copy_packed(item, target.create_group(name), wide, place)
        elif h5py.check_string_dtype(item.dtype) or h5py.check_vlen_dtype(item.dtype):
            source.copy(item, target, name)
        else:
            keeps = place.partition("/")[0] == "actions" or place in wide
            dtype = np.float32 if item.dtype == np.float64 and not keeps else item.dtype
            target.create_dataset(name, data=item[()], dtype=dtype)


def _update_metadata(data_folder: Path, extra: Mapping[str, Any]) -> None:
    path = data_folder / "metadata.json"
    entries = json.loads(path.read_text(encoding="utf-8"))
    entries.update(extra)
    size = sum(file.stat().st_size for file in data_folder.glob("*.hdf5"))
    entries["dataset_size"] = round(size / 1e6, 1)
    write_text(path, json.dumps(entries, indent=1, sort_keys=True) + "\n")


@contextlib.contextmanager
def _hidden_folder(datasets_root: Path, dataset_id: str) -> Iterator[Path]:
    """A new hidden folder in the datasets root, removed at the end; also removes those that
    processes left which were killed."""
    prefix = f".writing-{dataset_id.replace('/', '--')}-"
    datasets_root.mkdir(parents=True, exist_ok=True)
    for left in datasets_root.glob(".writing-*"):
        if _is_left_behind(left):
            shutil.rmtree(left, ignore_errors=True)
    hidden = Path(tempfile.mkdtemp(prefix=prefix, dir=datasets_root))
    try:
        with locked(hidden / _LOCK):
            yield hidden
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _is_left_behind(hidden: Path) -> bool:
    """Whether the process that made a hidden folder is gone: its lock went with it."""
    lock = hidden / _LOCK
    if os.name == "posix" and lock.exists():
        try:
            with locked(lock):
                return True
        except OSError:
            return False
    return time.time() - hidden.stat().st_mtime > _STALE_AFTER_S


@contextlib.contextmanager
def _minari_root(folder: Path) -> Iterator[None]:
    """Point Minari, which takes its root from the process's environment alone, at ``folder``."""
    with _environ_lock:
        before = os.environ.get("MINARI_DATASETS_PATH")
        os.environ["MINARI_DATASETS_PATH"] = str(folder)
        try:
            yield
        finally:
            if before is None:
                del os.environ["MINARI_DATASETS_PATH"]
            else:
                os.environ["MINARI_DATASETS_PATH"] = before


def _publish(
    written: Path, folder: Path, datasets_root: Path, dataset_id: str, overwrite: bool
) -> None:
    """Move a complete dataset into its place, with the namespace files that Minari wants above."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for parent in Path(dataset_id).parents:
        marker = datasets_root / parent / NAMESPACE_METADATA_FILENAME
        if parent != Path(".") and not marker.exists():
            partial = written.parent / f".{NAMESPACE_METADATA_FILENAME}"
            partial.write_text("{}", encoding="utf-8")
            os.replace(partial, marker)
    _fsync_folder(written)
    if overwrite and folder.exists():
        # The old dataset ends up in the hidden folder, which is removed next.
        _exchange(written, folder)
    else:
        try:
            os.rename(written, folder)
        except OSError as error:
            raise DatasetError(
                f"dataset {dataset_id!r} could not be moved to {folder}: {error}"
            ) from error
    _fsync_folder(folder.parent)


def _exchange(new: Path, old: Path) -> None:
    """Swap two folders: in one step where the system can, else in two renames."""
    if sys.platform == "linux":
        renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
        if renameat2 is not None:
            paths = (_AT_FDCWD, os.fsencode(new), _AT_FDCWD, os.fsencode(old))
            if renameat2(*paths, _RENAME_EXCHANGE) == 0:
                return
    aside = new.with_name(new.name + ".old")
    os.rename(old, aside)
    try:
        os.rename(new, old)
    except OSError:
        os.rename(aside, old)
        raise


def _fsync_folder(path: Path) -> None:
    """Put a folder's names on the disk, where the system lets folders be opened."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
