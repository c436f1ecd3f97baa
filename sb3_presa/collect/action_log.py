"""Action logs: a dataset stored as the seeds and actions of its episodes, to be replayed.

The result of a collection depends on the processor, since PPO's sums are rounded differently on
another one. A simulator with given actions, in a process whose NumPy is :mod:`portable
<sb3_presa.collect.portable_numpy>`, rounds the same everywhere. From a few bytes per step it gives
the same episodes on another machine, in a minute instead of a quarter of an hour.
"""

import json
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.envs.registration import EnvSpec
from minari import MinariDataset
from tqdm import tqdm

from sb3_presa.collect.agents import play_episode
from sb3_presa.collect.episodes import episode_buffer
from sb3_presa.collect.portable_numpy import portable_environ
from sb3_presa.data.datasets import read_episodes
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.minari_store import check_free, write_dataset
from sb3_presa.errors import ConfigError, DatasetError
from sb3_presa.files import atomic_path
from sb3_presa.workers import Report, run_tasks

_FORMAT = 1
_COLUMNS = ("seed", "length", "actions", "episode_hash", "about")
_HASH_BYTES = 32
#: Entries of a dataset's metadata that describe it and its origin.
_DESCRIBING = ("algorithm_name", "description", "collection")
#: Parts of an environment's spec that name code, and the arguments of that code.
_RUN_BY_MAKING = ("entry_point", "vector_entry_point", "kwargs", "additional_wrappers")
#: Attributes of an episode that Minari writes by itself.
_MINARIS_OWN = frozenset({"id", "seed", "total_steps", "options"})


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

    :param seeds: The reset seed of each episode, (E,).
    :param lengths: The number of steps of each episode, (E,).
    :param actions: The actions of all steps, episode after episode, (N, ...), in their stored type.
    :param hashes: The :func:`~sb3_presa.data.transitions.episode_hash` of each episode.
    :param about: JSON-able: the dataset's id, environment, description, episodes' attributes.
    """

    seeds: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    actions: npt.NDArray[Any]
    hashes: Sequence[bytes]
    about: Mapping[str, Any]

    @classmethod
    def of(cls, dataset: MinariDataset) -> "ActionLog":
        """
        :param dataset: A dataset with an environment and the seed of each episode.
        :return: Its log.
        :raises DatasetError: If the environment or the seed of an episode is missing.
        """
        if dataset.spec.env_spec is None:
            raise DatasetError(
                f"dataset {dataset.id!r} must name its environment (env_spec) to be replayed, "
                "got None"
            )
        transitions = load_transitions(dataset)
        attributes = [
            dict(entries)
            for entries in dataset.storage.get_episode_metadata(transitions.episode_ids)
        ]
        for episode, entries in zip(transitions.episode_ids, attributes, strict=True):
            if entries.get("seed") is None:
                raise DatasetError(
                    f"every episode must have a seed to be replayed, got None for episode "
                    f"{episode} of dataset {dataset.id!r}"
                )
        metadata = dataset.storage.metadata
        return cls(
            seeds=np.array([int(entries["seed"]) for entries in attributes], dtype=np.int64),
            lengths=transitions.episode_lengths,
            actions=_stored_actions(dataset),
            hashes=transitions.hash_episodes(),
            about={
                "format": _FORMAT,
                "dataset_id": dataset.id,
                "env_spec": dataset.spec.env_spec.to_json(),
                "ref_scores": [metadata.get(f"ref_{end}_score") for end in ("min", "max")],
                "metadata": {name: metadata[name] for name in _DESCRIBING if name in metadata},
                "attributes": [_own_attributes(entries) for entries in attributes],
            },
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """
        Writes the log atomically.

        :param path: The ``.npz`` file. It contains arrays only, and nothing pickled.
        """
        about = json.dumps(self.about, sort_keys=True).encode()
        columns: dict[str, npt.NDArray[Any]] = {
            "seed": self.seeds,
            "length": self.lengths,
            "actions": self.actions,
            "episode_hash": np.frombuffer(b"".join(self.hashes), np.uint8),
            "about": np.frombuffer(about, np.uint8),
        }
        with atomic_path(Path(path)) as partial, partial.open("wb") as file:
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
        # An id may name a module to import: this package, which is imported already
        registered = gym.registry.get(logged.id.removeprefix("sb3_presa:"))
        found = "none" if registered is None else _what_is_run(registered)
        if not trust and found != _what_is_run(logged):
            raise DatasetError(
                f"the log's environment {logged.id!r} must be registered here with the same code, "
                f"got {found} where the log has {_what_is_run(logged)}. Import the module that "
                "registers it, or, if you trust the file to run this code, use --trust "
                "(trust=True in Python)"
            )
        return logged

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "ActionLog":
        """
        :param path: A file that :meth:`save` wrote. Nothing in it is executed before
            :meth:`replay`.
        :return: The log.
        :raises DatasetError: If it cannot be read, its parts are inconsistent, or its format is
            another one.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                found = {name: file[name] for name in _COLUMNS}
            about = json.loads(found["about"].tobytes())
            version = about["format"]
        except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise DatasetError(f"{path} cannot be read as an action log: {error}") from error
        if version != _FORMAT:
            raise DatasetError(
                f"the format of an action log must be {_FORMAT}, got {version} ({path})"
            )
        seeds, lengths, actions = found["seed"], found["length"], found["actions"]
        hashes = found["episode_hash"].tobytes()
        sizes = {len(seeds), len(lengths), len(about["attributes"]), len(hashes) / _HASH_BYTES}
        if (
            len(sizes) != 1
            or not len(lengths)
            or lengths.min() < 1
            or lengths.sum() != len(actions)
        ):
            raise DatasetError(
                "an action log must have one seed and one hash per episode and one action per "
                f"step, got {len(lengths)} episodes of {lengths.sum()} steps, {len(seeds)} seeds, "
                f"{len(hashes) / _HASH_BYTES:g} hashes and {len(actions)} actions ({path})"
            )
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
        :param overwrite: Replace a dataset of this id, and the feedback beside it.
        :param progress_bar: Show a progress bar of the steps.
        :param root: The datasets root; Minari's own if ``None``.
        :param trust: Whether to run any environment that the log names, see :meth:`environment`.
        :return: The dataset, and the number of its episodes that differ from the log.
        :raises ConfigError: If ``n_workers`` is out of range.
        :raises DatasetError: If the id is malformed or taken, the environment is not registered
            here, or an episode is shorter or longer than in the log: the environment has changed.
        :raises SimulatorNotInstalledError: If the simulator of the environment is missing.
        :raises WorkerError: If a worker process ends before its work is done.
        """
        if n_workers < 1:
            raise ConfigError(f"`n_workers` must be at least 1, got {n_workers}")
        dataset_id = self.about["dataset_id"] if dataset_id is None else dataset_id
        check_free(dataset_id, root, overwrite)
        spec = self.environment(trust)
        tasks = list(
            zip(
                self.seeds.tolist(),
                np.split(self.actions, np.cumsum(self.lengths)[:-1]),
                strict=True,
            )
        )
        episodes: list[dict[str, Any]] = [{} for _ in tasks]
        with (
            tqdm(total=len(self.actions), unit="step", disable=not progress_bar) as bar,
            closing(
                run_tasks(
                    tasks, n_workers, _prepare_replay, spec.to_json(), environ=portable_environ()
                )
            ) as played,
        ):
            for index, episode in played:
                episodes[index] = episode
                bar.update(len(episode["rewards"]))
        with closing(gym.make(spec)) as env:
            observation_space, action_space = env.observation_space, env.action_space
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
            episode_metadata=self.about["attributes"],
            overwrite=overwrite,
            root=root,
        )
        made = load_transitions(dataset).hash_episodes()
        differ = sum(one != other for one, other in zip(made, self.hashes, strict=True))
        return Replayed(dataset, differ)


def _prepare_replay(
    _: Report, spec: str
) -> Callable[[tuple[int, npt.NDArray[Any]]], dict[str, Any]]:
    """One environment per worker: some simulators cannot run more."""
    env = gym.make(EnvSpec.from_json(spec))
    return lambda task: _play_logged(env, *task)


def _play_logged(env: gym.Env[Any, Any], seed: int, logged: npt.NDArray[Any]) -> dict[str, Any]:
    """
    Replays one episode.

    :param env: Its environment.
    :param seed: Its seed.
    :param logged: Its actions.
    :return: The episode.
    :raises DatasetError: If it is shorter or longer than in the log.
    """
    left = iter(logged)
    try:
        episode = play_episode(env, seed, lambda _: next(left))
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


def _what_is_run(spec: EnvSpec) -> str:
    """The code that making the environment imports and calls, with its arguments, as JSON."""
    entries = asdict(spec)
    return json.dumps({name: entries[name] for name in _RUN_BY_MAKING}, sort_keys=True, default=str)


def _stored_actions(dataset: MinariDataset) -> npt.NDArray[Any]:
    """The actions of all steps in their stored type: rounded ones would not repeat an episode."""
    shape = dataset.action_space.shape
    of_episodes = [found["actions"] for _, found in read_episodes(dataset, ("actions",))]
    return np.concatenate([np.reshape(each, (-1, *shape)) for each in of_episodes if len(each)])


def _own_attributes(entries: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in entries.items()
        if name not in _MINARIS_OWN
    }
