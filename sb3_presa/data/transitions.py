"""Logged behaviour as flat arrays: what the learner may see and, apart from it, the outcomes."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeAlias

import gymnasium as gym
import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

#: Share of the episodes that counts as many.
_MANY: Final = 0.1


@dataclass(frozen=True, eq=False)
class Transitions:
    """All steps of a dataset, flat, episode after episode. It holds no rewards and no costs.

    :param observations: ``(N, *observation_shape)``, the observation that each action was taken
        on (an episode's last observation, on which nothing was done, is left out). A dict of such
        arrays for a Dict space. float32, except uint8 for images and integers for discrete spaces;
        float64 where it is stored and float32 would not tell the values of a coordinate apart.
    :param actions: ``(N, *action_shape)``, float32 for Box (float64 as for observations), int64
        for Discrete and MultiDiscrete.
    :param episode_ids: ``(E,)`` int64, the episodes' ids in the dataset's storage.
    :param episode_starts: ``(E,)`` int64, the row of each episode's first step.
    :param episode_lengths: ``(E,)`` int64, steps of each episode, all at least 1.
    :param observation_space: the dataset's observation space.
    :param action_space: the dataset's action space.
    :param dataset_id: the Minari id of the dataset.
    :param observation_names: what coordinates are called, in flat order, by the key of a Dict space
        or ``""``; without an entry where the dataset does not say.
    :param action_names: what coordinates of actions are called; empty where it does not say.
    :param terminated: ``(E,)`` bool, whether the task ended each episode; ``None`` where nobody
        says.
    """

    observations: Array | dict[str, Array]
    actions: Array
    episode_ids: npt.NDArray[np.int64]
    episode_starts: npt.NDArray[np.int64]
    episode_lengths: npt.NDArray[np.int64]
    observation_space: gym.Space[Any]
    action_space: gym.Space[Any]
    dataset_id: str
    observation_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    action_names: Sequence[str] = ()
    terminated: npt.NDArray[np.bool_] | None = None

    @property
    def end_early(self) -> bool:
        """Whether the task ends many episodes before their time: of ten, one before half of it."""
        if self.terminated is None:
            return False
        short = 2 * self.episode_lengths < self.episode_lengths.max()
        return bool((short & self.terminated).mean() >= _MANY)

    def hashes_by_id(self) -> Mapping[int, bytes]:
        """The :func:`episode_hash` of every episode, by its id.

        Each is computed when it is first asked for, and kept: nobody changes the arrays.
        """
        return self._hashes

    def hash_episodes(self) -> list[bytes]:
        """The :func:`episode_hash` of every episode, in the order of ``episode_ids``."""
        return [self._hashes[episode] for episode in self.episode_ids.tolist()]

    def episode(self, index: int) -> tuple[Array | dict[str, Array], Array]:
        """Observations and actions of one episode.

        :param index: its place in ``episode_ids``.
        """
        start = int(self.episode_starts[index])
        rows = slice(start, start + int(self.episode_lengths[index]))
        if isinstance(self.observations, dict):
            parts = {key: values[rows] for key, values in self.observations.items()}
            return parts, self.actions[rows]
        return self.observations[rows], self.actions[rows]

    @cached_property
    def _hashes(self) -> "_EpisodeHashes":
        return _EpisodeHashes(self)


class _EpisodeHashes(Mapping[int, bytes]):
    """The hashes of the episodes by their ids, computed when they are asked for."""

    def __init__(self, transitions: Transitions) -> None:
        self._transitions = transitions
        ids = transitions.episode_ids.tolist()
        self._places = {episode: index for index, episode in enumerate(ids)}
        self._known: dict[int, bytes] = {}

    def __getitem__(self, episode: int) -> bytes:
        if episode not in self._known:
            content = self._transitions.episode(self._places[episode])
            self._known[episode] = episode_hash(*content)
        return self._known[episode]

    def __iter__(self) -> Iterator[int]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


@dataclass(frozen=True, eq=False)
class Endings:
    """The end of each episode of :class:`Transitions`, for algorithms that look a step ahead.

    :param observations: ``(E, *observation_shape)``, the last observation, on which nothing was
        done; a dict of such arrays for a Dict space. Types as in :class:`Transitions`, but float64
        where it is stored.
    :param terminated: ``(E,)`` bool, whether the task ended there. False where the episode was
        cut off, and could have gone on.
    """

    observations: Array | dict[str, Array]
    terminated: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Rewards and costs of all steps, in the order of :class:`Transitions`.

    :param rewards: ``(N,)`` float64.
    :param costs: ``(N,)`` float64; NaN where the dataset records none and that was allowed.
    :param episode_ids: ``(E,)`` int64.
    :param episode_starts: ``(E,)`` int64, the row of each episode's first step.
    :param episode_lengths: ``(E,)`` int64.
    """

    rewards: npt.NDArray[np.float64]
    costs: npt.NDArray[np.float64]
    episode_ids: npt.NDArray[np.int64]
    episode_starts: npt.NDArray[np.int64]
    episode_lengths: npt.NDArray[np.int64]

    @property
    def episode_returns(self) -> npt.NDArray[np.float64]:
        """``(E,)`` undiscounted sum of each episode's rewards."""
        return np.add.reduceat(self.rewards, self.episode_starts)

    @property
    def episode_costs(self) -> npt.NDArray[np.float64]:
        """``(E,)`` undiscounted sum of each episode's costs."""
        return np.add.reduceat(self.costs, self.episode_starts)


def episode_hash(observations: Array | dict[str, Array], actions: Array) -> bytes:
    """A fingerprint of one episode's content, by which labels find their episode again.

    It depends on the numbers only: not on the episode's id, on byte order or memory layout, or on
    whether floats are stored in 32 or 64 bits (they are compared as float32). Observations after
    the last action do not count.

    :param observations: ``(T or T + 1, ...)``, or a dict of such arrays.
    :param actions: ``(T, ...)``.
    :return: 32 bytes, SHA-256.
    """
    digest = hashlib.sha256()
    named = observations if isinstance(observations, dict) else {"": observations}
    parts = [(key, np.asarray(named[key])[: len(actions)]) for key in sorted(named)]
    for key, values in [*parts, ("actions", np.asarray(actions))]:
        canonical = np.ascontiguousarray(values, dtype=_canonical_dtype(values.dtype))
        digest.update(f"{key}|{canonical.dtype.str}|{canonical.shape}|".encode())
        digest.update(canonical.data)
    return digest.digest()


def _canonical_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.kind == "f":
        return np.dtype("<f4")
    return np.dtype("u1") if dtype == np.uint8 else np.dtype("<i8")
