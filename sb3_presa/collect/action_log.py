"""Action logs: a dataset stored as the seeds and actions of its episodes, to be replayed.

The result of a collection depends on the processor, since PPO's sums are rounded differently on
another one. A simulator with given actions, in a process whose NumPy is :mod:`portable
<sb3_presa.collect.portable_numpy>`, rounds the same everywhere. From a few bytes per step it gives
the same episodes on another machine, in a minute instead of a quarter of an hour.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.envs.registration import EnvSpec
from minari import MinariDataset

from sb3_presa.collect.bar import step_bar
from sb3_presa.collect.episodes import episode_buffer
from sb3_presa.collect.log_parts import check_columns, read_about
from sb3_presa.collect.playing import play_episode
from sb3_presa.collect.portable_numpy import portable_environ
from sb3_presa.data.array_file import read_arrays
from sb3_presa.data.datasets import read_episodes
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.minari_store import MINARIS_OWN, check_free, write_dataset
from sb3_presa.data.resets import from_json, reset_arguments, to_json
from sb3_presa.envs.making import make_environment
from sb3_presa.envs.recorded import require_registered
from sb3_presa.errors import ConfigError, DatasetError
from sb3_presa.files import atomic_path, check_writable
from sb3_presa.workers import Report, run_tasks

_FORMAT = 1
_COLUMNS = ("seed", "length", "actions", "episode_hash", "about")
#: The checksum of the columns: a log that was changed gives other episodes.
_CHECKSUM = "sha256"
_HASH_BYTES = 32
_LARGEST_SEED = 2**64 - 1
#: Entries of a dataset's metadata that describe it and its origin.
_DESCRIBING = ("algorithm_name", "description", "collection")
#: Attributes that Minari computed from an episode's rewards: a replay computes them again.
_OF_REWARDS: Mapping[str, Callable[[npt.NDArray[Any]], Any]] = {
    f"rewards_{name}": getattr(np, name) for name in ("sum", "mean", "std", "max", "min")
}


@dataclass(frozen=True)
class Replayed:
    """
    A replayed dataset.

    :param dataset: The dataset.
    :param n_different: Number of episodes that are not bit-equal to those of the log.
    """

    dataset: MinariDataset
    n_different: int


@dataclass(frozen=True)
class ActionLog:
    """
    Seeds and actions from which an environment replays a dataset.

    :param seeds: The reset seed of each episode, (E,), in [0, 2**64).
    :param lengths: The number of steps of each episode, (E,).
    :param actions: The actions of all steps, episode after episode, (N, ...), in their stored type.
    :param hashes: The :func:`~sb3_presa.data.transitions.episode_hash` of each episode.
    :param about: JSON-able: the dataset's id, environment, description, episodes' attributes, and
        the options of their resets.
    """

    seeds: npt.NDArray[np.integer[Any]]
    lengths: npt.NDArray[np.int64]
    actions: npt.NDArray[Any]
    hashes: Sequence[bytes]
    about: Mapping[str, Any]

    @classmethod
    def of(cls, dataset: MinariDataset) -> "ActionLog":
        """
        :param dataset: A dataset with an environment and the seed of each episode.
        :return: Its log.
        :raises DatasetError: If the environment or the seed of an episode is missing, or JSON
            cannot hold the options of a reset.
        """
        if dataset.spec.env_spec is None:
            raise DatasetError(
                f"dataset {dataset.id!r} must name its environment (env_spec) to be replayed, "
                "got None"
            )
        transitions = load_transitions(dataset)
        episodes = transitions.episode_ids.tolist()
        attributes = [dict(e) for e in dataset.storage.get_episode_metadata(episodes)]
        resets = [reset_arguments(entries) for entries in attributes]
        for episode, reset in zip(episodes, resets, strict=True):
            if reset["seed"] is None or not 0 <= reset["seed"] <= _LARGEST_SEED:
                raise DatasetError(
                    "every episode must have a seed in [0, 2**64) to be replayed, got "
                    f"{reset['seed']} for episode {episode} of dataset {dataset.id!r}"
                )
        metadata = dataset.storage.metadata
        about = {
            "format": _FORMAT,
            "dataset_id": dataset.id,
            "env_spec": dataset.spec.env_spec.to_json(),
            "ref_scores": [metadata.get(f"ref_{end}_score") for end in ("min", "max")],
            "metadata": {name: metadata[name] for name in _DESCRIBING if name in metadata},
            "attributes": _as_json(dataset, episodes, map(_own_attributes, attributes)),
        }
        if any(reset["options"] is not None for reset in resets):
            options = (reset["options"] for reset in resets)
            about["options"] = _as_json(dataset, episodes, options)
        return cls(
            seeds=np.array([reset["seed"] for reset in resets], dtype=np.uint64),
            lengths=transitions.episode_lengths,
            actions=_stored_actions(dataset),
            hashes=transitions.hash_episodes(),
            about=about,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """
        Writes the log atomically.

        :param path: The ``.npz`` file. It contains arrays only, and nothing pickled. Its folder is
            made if it is missing.
        :raises ConfigError: If it cannot be written.
        """
        check_writable(Path(path))
        about = json.dumps(self.about, sort_keys=True).encode()
        columns: dict[str, npt.NDArray[Any]] = {
            "seed": self.seeds,
            "length": self.lengths,
            "actions": self.actions,
            "episode_hash": np.frombuffer(b"".join(self.hashes), np.uint8),
            "about": np.frombuffer(about, np.uint8),
        }
        columns[_CHECKSUM] = _checksum(columns)
        with (
            atomic_path(Path(path), lambda written: _check_written(written, columns)) as partial,
            partial.open("wb") as file,
        ):
            np.savez_compressed(file, allow_pickle=False, **columns)

    def environment(self, trust: bool = False) -> EnvSpec:
        """
        The environment of the dataset. Making an environment runs the code that its spec names,
        and this spec is from a file.

        :param trust: Whether the file may name any code. If not, the environment must be registered
            here with the same code and arguments, as this package's environments are.
        :return: The environment's specification.
        :raises DatasetError: If the specification cannot be read, or is not registered here.
        """
        try:
            logged = EnvSpec.from_json(self.about["env_spec"])
        except (AttributeError, LookupError, TypeError, ValueError, gym.error.Error) as error:
            raise DatasetError(f"the log's environment cannot be read: {error}") from error
        require_registered(logged, trust, "the log's")
        return logged

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "ActionLog":
        """
        :param path: A file that :meth:`save` wrote. Nothing in it is executed before
            :meth:`replay`.
        :return: The log.
        :raises DatasetError: If it cannot be read, was changed, its parts are inconsistent, or its
            format is another one.
        """
        found = read_arrays(path, (*_COLUMNS, _CHECKSUM))
        written = found.pop(_CHECKSUM)
        if not np.array_equal(written, _checksum(found)):
            raise DatasetError(
                f"{path} is not the action log that was written: its checksum differs; get it "
                "again, or make it from its dataset by sb3-presa log-actions"
            )
        seeds, lengths, actions = found["seed"], found["length"], found["actions"]
        hashes = found["episode_hash"].tobytes()
        try:
            about = read_about(found["about"], _FORMAT)
            check_columns(seeds, lengths, actions, len(hashes) / _HASH_BYTES, about)
        except DatasetError as error:
            raise DatasetError(f"{path} is not an action log: {error}") from error
        each = range(0, len(hashes), _HASH_BYTES)
        return cls(seeds, lengths, actions, [hashes[i : i + _HASH_BYTES] for i in each], about)

    def replay(
        self,
        dataset_id: str | None = None,
        *,
        n_workers: int = 1,
        overwrite: bool = False,
        progress_bar: bool = True,
        root: str | os.PathLike[str] | None = None,
        trust: bool = False,
    ) -> Replayed:
        """
        Replays the dataset in its environment.

        :param dataset_id: The new dataset's id; the log's own if ``None``.
        :param n_workers: Number of worker processes, at least 1.
        :param overwrite: Replace a dataset of this id, and its labels. People's answers stay.
        :param progress_bar: Show a progress bar of the steps.
        :param root: The datasets root; Minari's own if ``None``.
        :param trust: Whether to run any environment that the log names, see :meth:`environment`.
        :return: The dataset, and the number of its episodes that differ from the log.
        :raises ConfigError: If ``n_workers`` is out of range.
        :raises DatasetError: If the id is malformed or taken, the environment is not registered
            here or gives no cost, or an episode is shorter or longer than in the log: the
            environment has changed.
        :raises SimulatorNotInstalledError: If the simulator of the environment is missing.
        :raises WorkerError: If a worker process ends before its work is done.
        """
        if n_workers < 1:
            raise ConfigError(f"`n_workers` must be at least 1, got {n_workers}")
        dataset_id = self.about["dataset_id"] if dataset_id is None else dataset_id
        check_free(dataset_id, root, overwrite)
        spec = self.environment(trust)
        observation_space, action_space = self._try(spec)
        tasks = list(
            zip(
                self.seeds.tolist(),
                self._options(),
                np.split(self.actions, np.cumsum(self.lengths)[:-1]),
                strict=True,
            )
        )
        episodes: list[dict[str, Any]] = [{} for _ in tasks]
        with (
            step_bar(len(self.actions), progress_bar) as bar,
            closing(
                run_tasks(
                    tasks, n_workers, _prepare_replay, spec.to_json(), environ=portable_environ()
                )
            ) as played,
        ):
            for index, episode in played:
                episodes[index] = episode
                bar.update(len(episode["rewards"]))
        low, high = self.about["ref_scores"]
        described = dict(self.about["metadata"])
        dataset = write_dataset(
            dataset_id,
            [episode_buffer(episode) for episode in episodes],
            observation_space=observation_space,
            action_space=action_space,
            env_spec=spec,
            ref_min_score=low,
            ref_max_score=high,
            algorithm_name=described.pop("algorithm_name", ""),
            description=described.pop("description", ""),
            metadata=described,
            episode_metadata=[
                _attributes_of(entries, episode["rewards"])
                for entries, episode in zip(self.about["attributes"], episodes, strict=True)
            ],
            overwrite=overwrite,
            root=root,
        )
        made = load_transitions(dataset).hash_episodes()
        differ = sum(one != other for one, other in zip(made, self.hashes, strict=True))
        return Replayed(dataset, differ)

    def _options(self) -> list[dict[str, Any] | None]:
        """The options of each episode's reset."""
        found: list[dict[str, Any] | None] = from_json(
            self.about.get("options", [None] * len(self.lengths))
        )
        return found

    def _try(self, spec: EnvSpec) -> tuple[gym.Space[Any], gym.Space[Any]]:
        """The environment's spaces; refuses one without costs before all episodes are played."""
        with closing(make_environment(spec.id, lambda: gym.make(spec))) as env:
            env.reset(seed=int(self.seeds[0]), options=self._options()[0])
            *_, info = env.step(self.actions[0])
            if "cost" not in info:
                raise DatasetError(
                    f"the info of every step of {spec.id} must contain 'cost', got the keys "
                    f"{sorted(info)}; wrap the environment so that it tells the cost"
                )
            return env.observation_space, env.action_space


#: The seed and the options of an episode's reset, and its actions.
_Task: TypeAlias = tuple[int, dict[str, Any] | None, npt.NDArray[Any]]


def _prepare_replay(_: Report, spec: str) -> Callable[[_Task], dict[str, Any]]:
    """One environment per worker: some simulators cannot run more."""
    env = gym.make(EnvSpec.from_json(spec))
    return lambda task: _play_logged(env, *task)


def _play_logged(
    env: gym.Env[Any, Any], seed: int, options: dict[str, Any] | None, logged: npt.NDArray[Any]
) -> dict[str, Any]:
    """
    Replays one episode.

    :param env: Its environment.
    :param seed: The seed of its reset.
    :param options: The options of its reset.
    :param logged: Its actions.
    :return: The episode.
    :raises DatasetError: If it is shorter or longer than in the log.
    """
    left = iter(logged)
    try:
        episode = play_episode(env, seed, lambda _: next(left), options)
    except StopIteration:
        raise DatasetError(
            f"the episode with seed {seed} must end after its {len(logged)} logged actions, but "
            "it continues: the environment has changed since they were logged"
        ) from None
    if len(episode["rewards"]) < len(logged):
        raise DatasetError(
            f"the episode with seed {seed} must end after its {len(logged)} logged actions, got "
            f"{len(episode['rewards'])} steps: the environment has changed since they were logged"
        )
    return episode


def _stored_actions(dataset: MinariDataset) -> npt.NDArray[Any]:
    """The actions of all steps in their stored type: rounded ones would not repeat an episode."""
    shape = dataset.action_space.shape
    of_episodes = [found["actions"] for _, found in read_episodes(dataset, ("actions",))]
    return np.concatenate([np.reshape(each, (-1, *shape)) for each in of_episodes if len(each)])


def _own_attributes(entries: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entries.items() if name not in MINARIS_OWN}


def _as_json(dataset: MinariDataset, episodes: Sequence[int], of_each: Iterable[Any]) -> list[Any]:
    """Attributes or options of each episode, as JSON can hold them."""
    found = []
    for episode, entries in zip(episodes, of_each, strict=True):
        try:
            found.append(to_json(entries))
        except DatasetError as error:
            raise DatasetError(
                f"options and attributes of episode {episode} of dataset {dataset.id!r} {error}"
            ) from error
    return found


def _attributes_of(entries: Mapping[str, Any], rewards: npt.NDArray[Any]) -> dict[str, Any]:
    """An episode's attributes; those of its rewards are those of the rewards as they are stored."""
    found = dict(_flat(from_json(dict(entries))))
    stored = rewards.astype(np.float32).astype(np.float64)
    return found | {name: float(of(stored)) for name, of in _OF_REWARDS.items() if name in found}


def _flat(entries: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """HDF5 holds no dictionaries; Minari reads names with a slash as such."""
    for name, value in entries.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}/")
        else:
            yield f"{above}{name}", value


def _check_written(path: Path, columns: Mapping[str, npt.NDArray[Any]]) -> None:
    if not np.array_equal(_checksum(read_arrays(path)), columns[_CHECKSUM]):
        raise DatasetError("its checksum differs")


def _checksum(columns: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.uint8]:
    """:return: the SHA-256 of all columns, their types and shapes, 32 bytes"""
    total = hashlib.sha256()
    for name in _COLUMNS:
        column = np.ascontiguousarray(columns[name])
        total.update(f"{name} {column.dtype.str} {column.shape}".encode())
        total.update(column.tobytes())
    return np.frombuffer(total.digest(), np.uint8)
