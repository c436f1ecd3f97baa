"""The best safe episode of each dataset at each cost limit, in the range of the dataset's returns.

``python benchmarks/best_safe.py benchmarks/suites/few_labels.yaml`` writes
``benchmarks/results/best_safe.json``: the honest ceiling of an agent that imitates whole episodes.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from sb3_presa.benchmark.suites.suite import load_suite
from sb3_presa.data.datasets import resolve_dataset
from sb3_presa.data.episodes import load_outcomes, load_transitions
from sb3_presa.files import write_bytes

RESULTS = Path(__file__).resolve().parent / "results"


def best_safe(dataset: str, limits: list[float]) -> dict[str, float]:
    """
    :param dataset: id of a dataset
    :param limits: cost limits of an episode
    :return: for each limit, the highest return among episodes within it, 0 for the lowest return of
        all episodes and 1 for the highest
    """
    opened = resolve_dataset(dataset)
    transitions, outcomes = load_transitions(opened), load_outcomes(opened)
    starts = transitions.episode_starts
    returns = np.add.reduceat(outcomes.rewards, starts)
    costs = np.add.reduceat(outcomes.costs, starts)
    low, high = returns.min(), returns.max()
    return {
        f"{limit:g}": float((returns[costs <= limit].max() - low) / (high - low))
        for limit in limits
    }


def main() -> None:
    """Writes the figures of a suite's tasks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", type=Path)
    parser.add_argument("--out", type=Path, default=RESULTS / "best_safe.json")
    options = parser.parse_args()
    limits: dict[tuple[str, str], set[float]] = {}
    for one in load_suite(options.suite).cells:
        limits.setdefault((one.task, one.dataset), set()).add(one.cost_limit)
    found = {
        task: best_safe(dataset, sorted(limits_)) for (task, dataset), limits_ in limits.items()
    }
    write_bytes(options.out, json.dumps(found, indent=1).encode() + b"\n")


if __name__ == "__main__":
    main()
