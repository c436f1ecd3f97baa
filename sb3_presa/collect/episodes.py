"""Assembles the recordings of a collection's jobs into its dataset."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from minari import MinariDataset
from minari.data_collector import EpisodeBuffer

from sb3_presa._version import __version__
from sb3_presa.collect.agents import Job
from sb3_presa.collect.recipe import CollectRecipe
from sb3_presa.collect.source import Source
from sb3_presa.collect.thinning import thin
from sb3_presa.data.array_file import read_arrays
from sb3_presa.data.minari_store import write_dataset
from sb3_presa.envs import SIMULATORS
from sb3_presa.errors import DatasetError

_PACKAGES = ("gymnasium", "minari", "numpy", "stable_baselines3", "torch")
#: Physics packages of a simulator whose versions affect the episodes.
_ENGINES = {"bullet": ("pybullet",), "safety": ("mujoco",), "metadrive": ("panda3d",)}


@dataclass(frozen=True)
class Recording:
    """The episodes that one job recorded.

    :param job: The job.
    :param columns: The arrays written by :meth:`~sb3_presa.collect.agents.Recorder.save`.
    """

    job: Job
    columns: dict[str, npt.NDArray[Any]]

    @classmethod
    def load(cls, job: Job, path: Path) -> "Recording":
        """Read a job's file.

        :param job: The job that wrote it.
        :param path: The ``.npz`` file.
        :return: Its episodes.
        """
        return cls(job, read_arrays(path))

    @property
    def seconds(self) -> float:
        """Duration of the job; 0 if an older release wrote the file."""
        return float(self.columns.get("seconds", 0.0))

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """First step of each episode."""
        lengths: npt.NDArray[np.int64] = self.columns["length"]
        return np.cumsum(lengths) - lengths

    @property
    def reward_returns(self) -> npt.NDArray[np.float64]:
        """Sum of the rewards of each episode."""
        return np.add.reduceat(self.columns["rewards"], self.starts)

    @property
    def cost_returns(self) -> npt.NDArray[np.float64]:
        """Sum of the costs of each episode."""
        return np.add.reduceat(self.columns["costs"], self.starts)

    def buffer(self, row: int) -> EpisodeBuffer:
        """One episode in Minari's format.

        :param row: Its position in the recording.
        :return: The episode, with its seed.
        """
        start, length = int(self.starts[row]), int(self.columns["length"][row])
        steps = slice(start, start + length)
        # Every episode before this one has one observation more than it has steps.
        observed = slice(start + row, start + row + length + 1)
        places = {"observations": observed, "actions": steps, "rewards": steps, "costs": steps}
        episode = {name: self.columns[name][place] for name, place in places.items()}
        return episode_buffer(
            {**episode, **{name: self.columns[name][row] for name in ("seed", "terminated")}}
        )

    def attributes(self, row: int) -> dict[str, str | int | float | bool]:
        """The agent that chose one episode's actions.

        :param row: Its position in the recording.
        :return: ``agent`` (its index in the metadata's list), ``trained_steps``, ``deterministic``.
        """
        return {
            "agent": self.job.index,
            "trained_steps": int(self.columns["trained_steps"][row]),
            "deterministic": bool(self.columns["deterministic"][row]),
        }


def episode_buffer(episode: Mapping[str, Any]) -> EpisodeBuffer:
    """An episode in Minari's format.

    :param episode: The result of :func:`~sb3_presa.collect.playing.play_episode`.
    :return: The episode, with the seed and the options of its reset.
    """
    last = np.arange(len(episode["rewards"])) == len(episode["rewards"]) - 1
    terminated = bool(episode["terminated"])
    return EpisodeBuffer(
        seed=int(episode["seed"]),
        options=episode.get("options"),
        observations=episode["observations"],
        actions=list(episode["actions"]),
        rewards=list(episode["rewards"]),
        terminations=list(last & terminated),
        truncations=list(last & (not terminated)),
        infos={"cost": np.concatenate([[0.0], episode["costs"]])},
    )


def assemble(
    dataset_id: str,
    source: Source,
    recordings: Sequence[Recording],
    *,
    wall_seconds: float,
    workers: int,
    overwrite: bool,
    root: str | os.PathLike[str] | None,
) -> MinariDataset:
    """Thin the recorded episodes, and write the dataset.

    :param dataset_id: The dataset's id.
    :param source: The environment.
    :param recordings: One for each job.
    :param wall_seconds: Duration of the recording.
    :param workers: Number of worker processes.
    :param overwrite: Replace a dataset of this id.
    :param root: The datasets root; Minari's own if ``None``.
    :return: The dataset.
    :raises DatasetError: If no episode lies in the ranges to keep, or the id cannot be written.
    """
    job, task = recordings[0].job, source.task
    rewards = np.concatenate([recording.reward_returns for recording in recordings])
    costs = np.concatenate([recording.cost_returns for recording in recordings])
    reward_range, cost_range = _ranges(source, job, rewards, costs)
    kept = thin(
        costs,
        rewards,
        n_episodes=job.recipe.n_episodes,
        cells=job.recipe.cells,
        cost_range=cost_range,
        reward_range=reward_range,
        rng=np.random.default_rng(np.random.SeedSequence(job.seed, spawn_key=(len(recordings),))),
    )
    if not len(kept):
        raise DatasetError(
            "at least one recorded episode must have a reward return in "
            f"{reward_range} and a cost return in {cost_range}, got none of {len(rewards)}; train "
            "longer, or widen `reward_range` and `cost_range` of the recipe"
        )
    kinds = _kinds_of_agents(job.recipe)
    places = [(rec, row) for rec in recordings for row in range(len(rec.columns["length"]))]
    chosen = [places[index] for index in kept]
    return write_dataset(
        dataset_id,
        [recording.buffer(row) for recording, row in chosen],
        observation_space=source.observation_space,
        action_space=source.action_space,
        env_spec=source.spec,
        ref_min_score=task.reward_min if task else float(rewards[kept].min()),
        ref_max_score=task.reward_max if task else float(rewards[kept].max()),
        algorithm_name=", ".join(kinds) or "random actions",
        description=(
            f"Episodes of {source.spec.id} by {', '.join([*kinds, 'and by ' if kinds else ''])}"
            "random actions; thinned on a grid of cost return and reward return."
        ),
        metadata={
            "collection": {
                "env_id": job.env_id,
                "seed": job.seed,
                "recipe": job.recipe.as_dict(),
                "agents": [[rec.job.kind, *rec.job.setting] for rec in recordings],
                "reward_range": list(reward_range),
                "cost_range": list(cost_range),
                "recorded_episodes": len(rewards),
                "wall_seconds": round(wall_seconds, 1),
                "workers": workers,
                "versions": _versions(source),
            }
        },
        episode_metadata=[recording.attributes(row) for recording, row in chosen],
        overwrite=overwrite,
        root=root,
    )


def _kinds_of_agents(recipe: CollectRecipe) -> list[str]:
    trained = ["PPO with fixed and adaptive cost weights"]
    kinds = trained if recipe.cost_weights or recipe.cost_budgets else []
    return kinds + (["scripted agents"] if recipe.scripted else [])


def _ranges(
    source: Source, job: Job, rewards: npt.NDArray[np.float64], costs: npt.NDArray[np.float64]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The ranges of reward and cost return: the recipe's, the benchmark's, or the recorded ones."""
    task = source.task
    reward_range = (float(rewards.min()), float(rewards.max()))
    cost_range = (0.0, float(costs.max()))
    if task is not None:
        reward_range = (task.reward_min, task.reward_max)
        cost_range = (0.0, task.dataset_max_cost)
    return job.recipe.reward_range or reward_range, job.recipe.cost_range or cost_range


def _versions(source: Source) -> dict[str, str]:
    packages = [*_PACKAGES]
    for simulator in SIMULATORS.values():
        if source.spec.id in simulator.env_ids:
            packages += [simulator.distribution, *_ENGINES.get(simulator.name, ())]
    return {"sb3_presa": __version__, **{name: version(name) for name in packages}}
