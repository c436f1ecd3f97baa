"""Thin PointCircle1 to the dataset that ships with the package: ``make example-dataset``.

Kept are drives of the scripted agents whose reward return is at most ``REWARD_CAP``, spread evenly
over the plane of cost and reward. Above the cap nearly every drive crosses the walls; below it
safe and unsafe drives earn alike, so that an agent must be told what is safe.
"""

import os
from pathlib import Path

import numpy as np
from minari import MinariDataset
from minari.data_collector import EpisodeBuffer

from sb3_presa import Feedback
from sb3_presa.collect.thinning import thin
from sb3_presa.data import load_outcomes, resolve_dataset
from sb3_presa.data.example import EXAMPLE_DATASET_ID
from sb3_presa.data.minari_store import write_dataset

SOURCE = "presa/point-circle1-v0"
N_EPISODES = 118  # a file of less than 8 MB
REWARD_CAP = 45.0
CELLS = 10
COST_LIMIT = 20.0
SEED = 100  # of the choice within a cell
LABEL_SEED = 0


def choose(dataset: MinariDataset) -> list[int]:
    """
    Picks the episodes to keep.

    :param dataset: all of PointCircle1
    :return: their ids, ascending
    """
    outcomes = load_outcomes(dataset)
    attributes = dataset.storage.get_episode_metadata(outcomes.episode_ids)
    kinds = [kind for kind, *_ in dataset.storage.metadata["collection"]["agents"]]
    scripted = np.array([kinds[int(entries["agent"])] == "scripted" for entries in attributes])
    kept = thin(
        outcomes.episode_costs[scripted],
        outcomes.episode_returns[scripted],
        n_episodes=N_EPISODES,
        cells=CELLS,
        cost_range=(0.0, float(outcomes.episode_costs.max())),
        reward_range=(float(outcomes.episode_returns.min()), REWARD_CAP),
        rng=np.random.default_rng(SEED),
    )
    return [int(episode) for episode in np.asarray(outcomes.episode_ids)[scripted][kept]]


def write(source: MinariDataset, episode_ids: list[int], root: Path) -> MinariDataset:
    """
    Copies episodes into the example dataset.

    :param source: where they are
    :param episode_ids: which
    :param root: the datasets root to write to
    :return: the new dataset
    """
    attributes = [dict(e) for e in source.storage.get_episode_metadata(episode_ids)]
    episodes = [
        EpisodeBuffer(
            seed=int(entries["seed"]),
            observations=list(episode.observations),
            actions=list(episode.actions),
            rewards=list(episode.rewards),
            terminations=list(episode.terminations),
            truncations=list(episode.truncations),
            infos={"cost": episode.infos["cost"]},
        )
        for entries, episode in zip(attributes, source.iterate_episodes(episode_ids), strict=True)
    ]
    metadata = source.storage.metadata
    return write_dataset(
        EXAMPLE_DATASET_ID,
        episodes,
        observation_space=source.observation_space,
        action_space=source.action_space,
        env_spec=source.spec.env_spec,
        ref_min_score=float(metadata["ref_min_score"]),
        ref_max_score=float(metadata["ref_max_score"]),
        algorithm_name="scripted agents",
        description=(
            f"{len(episodes)} drives of {source.id} by scripted agents with a reward return of at "
            f"most {REWARD_CAP:g}, thinned on a grid of cost return and reward return."
        ),
        metadata={
            "thinned": {
                "source": source.id,
                "seed": SEED,
                "cells": CELLS,
                "reward_cap": REWARD_CAP,
                "episode_ids": episode_ids,
            },
            "collection": metadata["collection"],
        },
        episode_metadata=[
            {name: entries[name] for name in ("agent", "trained_steps", "deterministic")}
            for entries in attributes
        ],
        overwrite=True,
        root=root,
    )


def main() -> None:
    """Write the dataset and its labels."""
    root = Path(__file__).parents[1] / "datasets"
    os.environ.setdefault("MINARI_DATASETS_PATH", str(root))
    source = resolve_dataset(SOURCE)
    dataset = write(source, choose(source), root)
    feedback = Feedback.synthetic(dataset, cost_limit=COST_LIMIT, seed=LABEL_SEED)
    path = feedback.save(dataset, "default")
    size = (Path(dataset.storage.data_path) / "main_data.hdf5").stat().st_size
    print(f"Wrote {dataset.id}: {len(dataset)} episodes, {size / 1e6:.1f} MB; {path}: {feedback}")


if __name__ == "__main__":
    main()
