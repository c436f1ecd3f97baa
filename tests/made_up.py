"""Helpers for the tests: Minari datasets from arrays, and processes that are killed."""

import multiprocessing
import os
import signal
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import minari
import numpy as np
import numpy.typing as npt
from minari import MinariDataset
from minari.data_collector import EpisodeBuffer

from sb3_presa.feedback.table import Feedback

REAL = gym.spaces.Box(-np.inf, np.inf, (2,), np.float32)
UNIT = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)


def episode(steps: int, seed: int = 0, **changes: Any) -> dict[str, Any]:
    """The arrays of one random episode, for ``REAL`` observations and ``UNIT`` actions."""
    random = np.random.default_rng(seed)
    observations, actions = random.normal(size=(steps + 1, 2)), random.uniform(-1, 1, (steps, 1))
    rewards, costs = random.normal(size=steps), random.integers(0, 2, steps)
    return recorded(observations, actions, costs, rewards) | changes


def recorded(
    observations: npt.ArrayLike,
    actions: npt.ArrayLike,
    costs: npt.ArrayLike | None = None,
    rewards: npt.ArrayLike | None = None,
) -> dict[str, Any]:
    """The arrays of one episode of T steps that was cut off. Costs and rewards are 0 unless given.

    :param observations: ``(T + 1, ...)``.
    :param actions: ``(T, ...)``.
    :param costs: ``(T,)``.
    :param rewards: ``(T,)``.
    """
    taken = np.asarray(actions, dtype=np.float32)
    none = np.zeros(len(taken))
    return {
        "observations": np.asarray(observations, dtype=np.float32),
        "actions": taken,
        "rewards": none if rewards is None else np.asarray(rewards, dtype=np.float64),
        "terminations": np.zeros(len(taken), dtype=bool),
        "truncations": np.arange(len(taken)) == len(taken) - 1,
        "infos": {"cost": np.append(0.0, none if costs is None else costs)},
    }


def write(
    dataset_id: str,
    episodes: Sequence[dict[str, Any]],
    observation_space: gym.Space[Any] = REAL,
    action_space: gym.Space[Any] = UNIT,
    **options: Any,
) -> MinariDataset:
    """A dataset as Minari itself writes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Minari asks for authors and links
        dataset = minari.create_dataset_from_buffers(
            dataset_id,
            [EpisodeBuffer(**arrays) for arrays in episodes],
            observation_space=observation_space,
            action_space=action_space,
            **options,
        )
    assert isinstance(dataset, MinariDataset)
    return dataset


def assert_same(one: Feedback, other: Feedback) -> None:
    """Every field agrees, NaN with NaN, types included."""
    for name in ("segments", "p_safe", "comparisons", "preferences"):
        left, right = getattr(one, name), getattr(other, name)
        np.testing.assert_array_equal(left, right)
        assert left.dtype == right.dtype
        assert left.shape == right.shape
    for name in ("episode_hashes", "dataset_id", "provenance"):
        assert getattr(one, name) == getattr(other, name)


def kill_at_random(job: Callable[[], object], check: Callable[[], object], kills: int) -> None:
    """Start ``job`` in a process of its own and kill -9 it at a random moment, again and again.

    :param job: what is interrupted; it is run to its end once, to learn how long it takes.
    :param check: called after each kill.
    :param kills: how often; a job that ended before it was killed does not count.
    """
    fork = multiprocessing.get_context("fork")
    started = time.monotonic()
    job()
    duration = time.monotonic() - started
    check()
    random, done = np.random.default_rng(0), 0
    while done < kills:
        process = fork.Process(target=job)
        process.start()
        assert process.pid is not None
        time.sleep(random.uniform(0, duration))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        done += process.exitcode == -signal.SIGKILL
        check()
