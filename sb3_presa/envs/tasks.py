"""The benchmark's tasks: horizons, cost limits, normalisation references, published results.

The numbers are in ``tasks.csv`` beside this module: the 38 tasks of the DSRL benchmark (Liu et
al., "Datasets and Benchmarks for Offline Safe Reinforcement Learning", DMLR 2024) with the results
published by TraC (Gong et al., AAAI 2025), each averaged over the three cost limits.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

PUBLISHED_METHODS = ("bc_all", "bc_safe", "cdt", "trac")
"""Methods with published results: cloning on all data, cloning on safe data, CDT, TraC."""


@dataclass(frozen=True)
class Task:
    """One task of the benchmark.

    :param suite: The simulator's family: ``"bullet"``, ``"safety"`` or ``"metadrive"``.
    :param name: The task's short name, e.g. ``"BallRun"``.
    :param env_id: The id under which this package registers it, e.g. ``"presa/SafetyBallRun-v0"``.
    :param upstream_env: Its id in the simulator, e.g. ``"SafetyBallRun-v0"``.
    :param horizon: Steps of a full episode.
    :param cost_limits: The limits of an episode's cost return used in papers, ascending.
    :param reward_min: The reward return with score 0.
    :param reward_max: The reward return with score 1.
    :param dataset_max_cost: The largest cost return of an episode in the benchmark's data.
    :param published: Method -> (mean normalised reward, mean normalised cost) over ``cost_limits``.
    """

    suite: str
    name: str
    env_id: str
    upstream_env: str
    horizon: int
    cost_limits: tuple[float, ...]
    reward_min: float
    reward_max: float
    dataset_max_cost: float
    published: Mapping[str, tuple[float, float]]

    def normalized_reward(self, episode_return: float) -> float:
        """Score an undiscounted reward return.

        :param episode_return: Sum of the rewards of one episode, or a mean of such sums.
        :return: 0 at ``reward_min``, 1 at ``reward_max``; may lie outside [0, 1].
        """
        return (episode_return - self.reward_min) / (self.reward_max - self.reward_min)


def _parse(row: Mapping[str, str]) -> Task:
    published = {m: (float(row[f"{m}_reward"]), float(row[f"{m}_cost"])) for m in PUBLISHED_METHODS}
    return Task(
        suite=row["suite"],
        name=row["task"],
        env_id=row["env_id"],
        upstream_env=row["upstream_env"],
        horizon=int(row["horizon"]),
        cost_limits=tuple(float(limit) for limit in row["cost_limits"].split(";")),
        reward_min=float(row["reward_min"]),
        reward_max=float(row["reward_max"]),
        dataset_max_cost=float(row["dataset_max_cost"]),
        published=MappingProxyType(published),
    )


@cache
def all_tasks() -> tuple[Task, ...]:
    """Every task of the benchmark, in the table's order.

    :return: 38 tasks, including tasks whose simulator this package does not wrap yet.
    """
    text = files(__package__).joinpath("tasks.csv").read_text(encoding="utf-8")
    return tuple(_parse(row) for row in csv.DictReader(text.splitlines()))


def find_task(env_id: str) -> Task | None:
    """The task behind an environment id.

    :param env_id: This package's id (``"presa/SafetyBallRun-v0"``), the same with a module to
        import (``"sb3_presa:presa/SafetyBallRun-v0"``), or the simulator's own
        (``"SafetyBallRun-v0"``).
    :return: The task, or ``None`` if the benchmark has no such task.
    """
    bare = env_id.rpartition(":")[2]
    for task in all_tasks():
        if bare in (task.env_id, task.upstream_env):
            return task
    return None
